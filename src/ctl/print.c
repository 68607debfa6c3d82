#include <stdio.h>

#include "commands.h"

/* C0, DEL, and C1 as UTF-8 has it: 0xc2 and a byte below 0xa0. */
static bool is_control(struct span text, size_t at)
{
	unsigned char c = (unsigned char)text.ptr[at];

	return c < ' ' || c == 0x7f ||
	       (c == 0xc2 && at + 1 < text.len && (unsigned char)text.ptr[at + 1] < 0xa0);
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
