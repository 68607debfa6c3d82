#include "page_tests.h"

int main(void)
{
	return test_page_template() + test_page_vite() + test_page_page();
}
