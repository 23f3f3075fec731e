/* sotalia-readonly - what the account `readonly` of an instance runs instead of a shell: gives up
 * for itself and all its children every way to change anything, then becomes the shell, the command
 * of SSH_ORIGINAL_COMMAND, or an sftp server that only reads.
 *
 * sshd's ForceCommand and the agent's exec start it. What it relies on:
 *   no_new_privs   setuid programs (sudo, su) have no effect
 *   Landlock       no file is written, made, removed, renamed or cut, but for the terminal
 *   seccomp        no mode, owner, time or attribute is changed; no socket but netlink's, so that
 * no service of the instance can be told to change something; no tracing, no IPC, no namespaces, no
 * locks file modes     the account owns no file; signals reach only its own processes Without
 * Landlock it fails closed. Static; needs no capability.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#error "the numbers of this machine's system calls are not known here"
#endif

/* Of linux/landlock.h, which Debian 12 has in an older version than the kernels this runs on. */
enum {
	LANDLOCK_CREATE = 444,
	LANDLOCK_ADD = 445,
	LANDLOCK_RESTRICT = 446,
	LANDLOCK_VERSION = 1,
	RULE_PATH = 1,
};
#define FS_WRITE_FILE (1ull << 1)
#define FS_CHANGES 0x1ff0ull      /* remove folder, remove file, make of every kind */
#define FS_REFER (1ull << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)  /* ABI 3 */
#define NET_TCP 3ull              /* ABI 4: bind, connect */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define SCOPE_ALL 3ull            /* ABI 6: abstract sockets, signals */

typedef struct ruleset {
	uint64_t fs, net, scoped;
} ruleset;
typedef struct path_rule {
	uint64_t access;
	int32_t fd;
} __attribute__((packed)) path_rule;

/* The kernel counts a user's processes on the whole host: the accounts of all its instances share
 * this bound, the pids limit of the container is each one's own. */
enum { PROCESSES_MAX = 256, EXIT_CLOSED = 126 };

static const char shell[] = "/bin/bash";
static const char sftp_server[] = "/usr/lib/openssh/sftp-server";

static void fail(const char *what)
{
	fprintf(stderr, "sotalia-readonly: %s: %s; the log-in is refused\n", what, strerror(errno));
	_exit(EXIT_CLOSED);
}

/* ---- Landlock ---- */

static void allow(int rules, const char *path, uint64_t access)
{
	path_rule rule = {.access = access, .fd = open(path, O_PATH | O_CLOEXEC)};
	if (rule.fd < 0)
		return; /* an instance without that file needs no rule for it */
	if (syscall(LANDLOCK_ADD, rules, RULE_PATH, &rule, 0) != 0)
		fail(path);
	close(rule.fd);
}

static void restrict_files(void)
{
	static const char *const terminals[] = {"/dev/null", "/dev/tty", "/dev/pts"};
	long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
	if (abi < 1)
		fail("this kernel has no Landlock");
	ruleset r = {.fs = FS_WRITE_FILE | FS_CHANGES};
	uint64_t terminal = FS_WRITE_FILE;
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 3)
		terminal |= FS_TRUNCATE; /* "> /dev/null" */
	if (abi >= 4)
		r.net = NET_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 5)
		terminal |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	size_t size = abi >= 6 ? sizeof(r) : abi >= 4 ? offsetof(ruleset, scoped) : sizeof(r.fs);
	long rules = syscall(LANDLOCK_CREATE, &r, size, 0);
	if (rules < 0)
		fail("Landlock");
	for (size_t i = 0; i < sizeof(terminals) / sizeof(terminals[0]); i++)
		allow((int)rules, terminals[i], terminal);
	if (syscall(LANDLOCK_RESTRICT, (int)rules, 0) != 0)
		fail("Landlock");
	close((int)rules);
}

/* ---- seccomp ---- */

static const unsigned refused_calls[] = {
#ifdef __NR_chmod
    __NR_chmod, __NR_chown, __NR_lchown, __NR_utime, __NR_utimes, __NR_futimesat,
#endif
    __NR_fchmod, __NR_fchmodat, 452 /* fchmodat2 */, __NR_fchown, __NR_fchownat, __NR_utimensat,
    __NR_setxattr, __NR_lsetxattr, __NR_fsetxattr, __NR_removexattr, __NR_lremovexattr,
    __NR_fremovexattr, __NR_connect, __NR_bind, __NR_ptrace, __NR_process_vm_readv,
    __NR_process_vm_writev, __NR_kcmp, __NR_pidfd_getfd, __NR_mq_open, __NR_mq_unlink, __NR_msgget,
    __NR_semget, __NR_shmget, __NR_add_key, __NR_request_key, __NR_keyctl, __NR_mount, __NR_umount2,
    __NR_pivot_root, __NR_open_tree, __NR_move_mount, __NR_fsopen, __NR_fsmount, __NR_unshare,
    __NR_setns, __NR_chroot, __NR_bpf, __NR_perf_event_open, __NR_userfaultfd, __NR_io_uring_setup,
    __NR_flock, __NR_acct, __NR_quotactl, __NR_swapon, __NR_swapoff, __NR_reboot, __NR_syslog,
    __NR_sethostname, __NR_setdomainname, __NR_settimeofday, __NR_clock_settime, __NR_adjtimex,
    __NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_personality,
    __NR_name_to_handle_at, __NR_open_by_handle_at, __NR_fanotify_init};

enum { REFUSED_COUNT = sizeof(refused_calls) / sizeof(refused_calls[0]), HEAD = 4, TAIL = 8 };

#define FIELD(member) (uint32_t) offsetof(struct seccomp_data, member)
#define STATEMENT(code_, k_) ((struct sock_filter){.code = (uint16_t)(code_), .k = (uint32_t)(k_)})
#define JUMP(code_, k_, yes, no)                                                                   \
	((struct sock_filter){.code = (uint16_t)(BPF_JMP | (code_) | BPF_K),                           \
	    .jt = (uint8_t)(yes),                                                                      \
	    .jf = (uint8_t)(no),                                                                       \
	    .k = (uint32_t)(k_)})

/* Refused calls end with EPERM. A call of another kind of machine (a 32-bit program, x32) could go
 * around the numbers: it ends the process. The low half of an argument comes first: both machines
 * are little endian. */
static void restrict_calls(void)
{
	static struct sock_filter f[HEAD + REFUSED_COUNT + TAIL];
	size_t n = 0;
	f[n++] = STATEMENT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch));
	f[n++] = JUMP(BPF_JEQ, OWN_ARCH, 1, 0);
	f[n++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = STATEMENT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr));
	for (size_t i = 0; i < REFUSED_COUNT; i++) /* to the ERRNO */
		f[n++] = JUMP(BPF_JEQ, refused_calls[i], REFUSED_COUNT - 1 - i + 5, 0);
	f[n++] = JUMP(BPF_JGE, 0x40000000, 5, 0); /* x32 */
	f[n++] = JUMP(BPF_JEQ, __NR_socket, 0, 2);
	f[n++] = STATEMENT(BPF_LD | BPF_W | BPF_ABS, FIELD(args[0]));
	f[n++] = JUMP(BPF_JEQ, AF_NETLINK, 0, 1);
	f[n++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[n++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	f[n++] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = f};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fail("seccomp");
}

/* ---- what is run ---- */

static int run(const char *command)
{
	static const char *const dropped[] = {"BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"};
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		(void)unsetenv(dropped[i]);
	(void)unsetenv("SSH_ORIGINAL_COMMAND");
	(void)setenv("HISTFILE", "/dev/null", 1);
	if (command && (strcmp(command, sftp_server) == 0 || strcmp(command, "internal-sftp") == 0))
		execl(sftp_server, sftp_server, "-R", (char *)NULL);
	else if (command)
		execl(shell, "bash", "-c", command, (char *)NULL);
	else
		execl(shell, "-bash", (char *)NULL);
	fail(shell);
	return EXIT_CLOSED;
}

int main(void)
{
	const char *command = getenv("SSH_ORIGINAL_COMMAND");
	struct rlimit processes = {PROCESSES_MAX, PROCESSES_MAX}, none = {0, 0};
	if (geteuid() == 0 || getuid() == 0) {
		fprintf(stderr, "sotalia-readonly: root cannot be made to only read\n");
		return EXIT_CLOSED;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail("no_new_privs");
	if (setrlimit(RLIMIT_NPROC, &processes) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		fail("setrlimit");
	restrict_files();
	restrict_calls();
	return run(command && *command ? command : NULL);
}
