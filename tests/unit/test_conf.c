#include "conf_tests.h"

int main(void)
{
	return test_conf_env() + test_conf_secret_strength() + test_conf_settings() +
	       test_conf_relay();
}
