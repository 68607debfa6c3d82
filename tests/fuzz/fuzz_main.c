/*
 * fuzz_main: feeds a target the files of the folders that are named, or those
 * of its own corpus: "fuzz_env" looks into tests/fuzz/corpus/env.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { FILE_MAX = 1024 * 1024, PATH_SIZE = 4096 };

static int feed_file(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = malloc(FILE_MAX), *exact;
	size_t size;

	if (file == NULL || bytes == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(bytes, 1, FILE_MAX, file);
	fclose(file);
	/* Not a byte more than it has: a sanitizer then sees who reads too far. */
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		exit(1);
	memcpy(exact, bytes, size);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

static int feed(const char *path)
{
	struct stat status;
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	if (stat(path, &status) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(status.st_mode))
		return feed_file(path);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char below[PATH_SIZE];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		count += feed_file(below);
	}
	if (folder != NULL)
		closedir(folder);
	return count;
}

static int feed_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(program, "fuzz_");
	char path[PATH_SIZE];

	for (const char *next = name; next != NULL; next = strstr(next + 1, "fuzz_"))
		name = next;
	if (name == NULL) {
		fprintf(stderr, "usage: %s FOLDER...\n", program);
		exit(64);
	}
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".",
	    name + strlen("fuzz_"));
	return feed(path);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? 0 : feed_corpus(argv[0]);

	for (int i = 1; i < argc; i++)
		count += feed(argv[i]);
	printf("%s: %d files\n", argv[0], count);
	return count > 0 ? 0 : 1;
}
