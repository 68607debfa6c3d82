#include "text_tests.h"

int main(void)
{
	return test_text_utf8() + test_text_hex() + test_text_html() + test_text_base64() +
	       test_text_percent() + test_text_form() + test_text_json() + test_text_json_valid() +
	       test_text_members() + test_text_field() + test_text_faults() + test_text_php();
}
