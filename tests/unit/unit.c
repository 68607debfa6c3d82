#include "unit.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounds.h"

int unit_open(void **state)
{
	*state = arena_create(4 * KIB);
	return 0;
}

int unit_close(void **state)
{
	arena_free(*state);
	return 0;
}

void unit_assert_bytes(struct span got, struct span want, const char *file, int line)
{
	if (span_eq(got, want))
		return;
	print_error("got  %zu bytes: \"%.*s\"\nwant %zu bytes: \"%.*s\"\n", got.len, SPAN_ARG(got),
	    want.len, SPAN_ARG(want));
	_fail(file, line);
}

struct unit_capture unit_capture_begin(void)
{
	struct unit_capture capture = {dup(STDERR_FILENO), memfd_create("stderr", MFD_CLOEXEC)};

	assert_true(capture.saved >= 0 && capture.file >= 0);
	dup2(capture.file, STDERR_FILENO);
	return capture;
}

struct span unit_capture_end(struct unit_capture *capture, struct arena *mem)
{
	off_t size = lseek(capture->file, 0, SEEK_END);
	char *text = arena_bytes(mem, (size_t)size + 1);
	ssize_t got = pread(capture->file, text, (size_t)size, 0);

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	close(capture->file);
	assert_int_equal(got, size);
	text[size] = '\0';
	return span_from(text, (size_t)size);
}

int unit_in_child(int (*fn)(void *ctx), void *ctx)
{
	static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		/* cmocka would go on with the next test, in the child too. */
		for (size_t i = 0; i < COUNT(caught); i++)
			signal(caught[i], SIG_DFL);
		_exit(fn(ctx));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct unit_folder unit_folder_create(void)
{
	struct unit_folder folder = {"/tmp/wa-unit-XXXXXX"};

	assert_non_null(mkdtemp(folder.path));
	return folder;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void unit_folder_remove(struct unit_folder *folder)
{
	nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* xorshift64* */
uint64_t unit_random(struct unit_random *random)
{
	if (random->state == 0)
		random->state = UINT64_C(0x9e3779b97f4a7c15);
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

size_t unit_random_below(struct unit_random *random, size_t limit)
{
	return (size_t)(unit_random(random) >> 16) % limit;
}

struct span unit_exact(struct span text)
{
	char *copy = malloc(text.len > 0 ? text.len : 1);

	assert_non_null(copy);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	return span_from(copy, text.len);
}

void unit_exact_free(struct span copy)
{
	free((void *)(uintptr_t)copy.ptr);
}

bool unit_has(struct span all, const char *text)
{
	return all.len > 0 && memmem(all.ptr, all.len, text, strlen(text)) != NULL;
}
