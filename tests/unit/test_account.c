#include "account_tests.h"

int main(void)
{
	return test_account_row() + test_account_phone() + test_account_report() +
	       test_account_metadata() + test_account_new() + test_account_act() +
	       test_account_overdue();
}
