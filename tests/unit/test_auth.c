#include "auth_tests.h"

int main(void)
{
	return test_auth_signature() + test_auth_refusal() + test_auth_cookie() +
	       test_auth_session() + test_auth_login() + test_auth_bearer() + test_auth_guard();
}
