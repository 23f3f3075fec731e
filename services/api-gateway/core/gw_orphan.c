#include "gw_orphan.h"

bool gw_orphan_is_candidate(sot_str name, int64_t written_unix_s, int64_t now_unix_s)
{
	if (name.n != 64 || now_unix_s - written_unix_s < GW_ORPHAN_AGE_S)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!((name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f')))
			return false;
	return true;
}
