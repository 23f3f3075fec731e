#include "s3_bucket.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t server;

void s3_bucket_start(int age_s, char ret[80])
{
	int out[2];
	char text[32] = "", age[16];

	(void)snprintf(age, sizeof(age), "%d", age_s);
	if (pipe(out) != 0)
		abort();
	server = fork();
	if (server == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execlp("python3", "python3", "-Bu", GATEWAY_SOURCE_DIR "/tests/s3_server.py",
		    "access", "secret", S3_BUCKET_REGION, age, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	if (read(out[0], text, sizeof(text) - 1) <= 0)
		abort();
	(void)close(out[0]);
	(void)snprintf(ret, 80, "http://127.0.0.1:%.*s/packages", (int)strcspn(text, "\n"), text);
}

void s3_bucket_stop(void)
{
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
}
