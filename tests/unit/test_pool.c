#include "pool_tests.h"

int main(void)
{
	return test_pool_unix() + test_pool_tcp() + test_pool_inherit();
}
