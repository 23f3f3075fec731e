# shellcheck shell=bash
# For tests that compare texts: a line for each, and failed=1 when one is wrong.
failed=0
check() { # check TEXT EXPECTED ACTUAL: equal, or with ~ in front contained
	case "$2" in
	~*) [[ "$3" == *"${2#\~}"* ]] && { echo "ok   $1"; return; } ;;
	*) [ "$2" = "$3" ] && { echo "ok   $1"; return; } ;;
	esac
	echo "FAIL $1: expected '$2', got '$3'"
	# shellcheck disable=SC2034 # whoever sources this looks at it
	failed=1
}
