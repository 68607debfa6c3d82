#include <stdio.h>

#include "base/now.h"
#include "commands.h"

/* C0 and DEL; C1, which UTF-8 writes as 0xc2 and a byte below 0xa0: both bytes. */
static bool is_control(struct span text, size_t at)
{
	unsigned char c = (unsigned char)text.ptr[at];
	unsigned char before = at > 0 ? (unsigned char)text.ptr[at - 1] : 0;
	unsigned char after = at + 1 < text.len ? (unsigned char)text.ptr[at + 1] : 0xff;

	return c < ' ' || c == 0x7f || (c == 0xc2 && after >= 0x80 && after < 0xa0) ||
	       (before == 0xc2 && c >= 0x80 && c < 0xa0);
}

void print_text(struct span text, int width)
{
	if (text.ptr == NULL)
		text = SPAN_OF("-");
	for (size_t i = 0; i < text.len; i++) {
		if (is_control(text, i))
			width -= printf("\\x%02x", (unsigned char)text.ptr[i]);
		else
			width -= putchar(text.ptr[i]) != EOF;
	}
	while (width-- > 0)
		putchar(' ');
}

void print_line(const char *name, struct span value)
{
	printf("%-17s ", name);
	print_text(value, 0);
	putchar('\n');
}

void print_number_line(const char *name, uint64_t value)
{
	printf("%-17s %llu\n", name, (unsigned long long)value);
}

void print_time_line(const char *name, int64_t us)
{
	char storage[NOW_TEXT_SIZE];
	struct buf text = buf_over(storage, sizeof(storage));

	if (us != TIME_NONE)
		now_put_iso(&text, us);
	print_line(name, us != TIME_NONE ? buf_span(&text) : (struct span){0});
}

bool read_base_url(const char *option, const struct startup *startup, struct span *ret)
{
	struct span url = option != NULL ? span_of(option) : startup->settings.app_url;

	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	*ret = url;
	if (span_starts(url, "http://") || span_starts(url, "https://"))
		return true;
	fprintf(stderr, "wa-accountsctl: %s is no http or https URL: %.*s\n",
	    option != NULL ? "--url" : "APP_URL", SPAN_ARG(url));
	return false;
}
