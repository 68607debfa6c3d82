#include "net_tests.h"

int main(void)
{
	return test_net_backoff() + test_net_breaker() + test_net_classify() + test_net_fetch() +
	       test_net_fetch_faults();
}
