#include "footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* One arena for all threads (libzmq's and the pool's allocate little): the agent is there for its
 * instances, not for its own peak. */
void footprint_init(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 128 * 1024);
}

void footprint_trim(void)
{
	(void)malloc_trim(0);
}

static int forget(struct dl_phdr_info *object, size_t size, void *self)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)size;
	(void)self;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		uintptr_t from = (object->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + p->p_vaddr + p->p_memsz;
		/* Fails for the vDSO, which is no file: nothing is lost by that. */
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void footprint_forget_code(void)
{
	(void)dl_iterate_phdr(forget, NULL);
}
