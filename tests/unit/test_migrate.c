#include "migrate_tests.h"

int main(void)
{
	return test_migrate_definition() + test_migrate_difference() + test_migrate_words() +
	       test_migrate_accounts();
}
