#include "base_tests.h"

int main(void)
{
	return test_base_span() + test_base_num() + test_base_arena() + test_base_buf() +
	       test_base_now() + test_base_log() + test_base_bell() + test_base_board() +
	       test_base_names() + test_base_stop() + test_base_callers() + test_base_file();
}
