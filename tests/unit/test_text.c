#include "text_tests.h"

int main(void)
{
	return test_text_utf8() + test_text_hex() + test_text_form() + test_text_json() +
	       test_text_members() + test_text_faults();
}
