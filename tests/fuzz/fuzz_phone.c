/* Phone numbers: one number however it is written. */
#include "account/account.h"
#include "account/account_rules.h"
#include "base/bounds.h"
#include "base/num.h"
#include "fuzz.h"

static bool is_kept(char c)
{
	return num_is_digit(c) || c == '+';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_create(4 * KIB);
	struct span phone = span_from((const char *)data, size);
	struct span digits = account_rules_phone_digits(phone, mem);
	struct span shown = account_rules_formatted_phone(phone, mem);
	size_t kept = 0, count = 0;

	for (size_t i = 0; i < phone.len; i++) {
		kept += is_kept(phone.ptr[i]);
		count += num_is_digit(phone.ptr[i]);
	}
	FUZZ_CHECK(digits.ptr != NULL && digits.len == count && digits.ptr[count] == '\0');
	FUZZ_CHECK(span_eq(account_rules_phone_digits(digits, mem), digits));
	if (account_rules_is_phone(phone)) {
		FUZZ_CHECK(count >= BOUND_PHONE_DIGITS_MIN && count <= BOUND_PHONE_DIGITS_MAX);
		FUZZ_CHECK(phone.len <= BOUND_PHONE && account_rules_is_phone(digits));
	}
	/* "0" is nothing to PHP. */
	FUZZ_CHECK((shown.ptr == NULL) == (phone.len == 0 || span_is(phone, "0")));
	if (shown.ptr != NULL) {
		FUZZ_CHECK(shown.ptr[shown.len] == '\0');
		for (size_t i = 0; i < shown.len; i++)
			FUZZ_CHECK(is_kept(shown.ptr[i]));
		FUZZ_CHECK(span_eq(account_rules_phone_digits(shown, mem), digits));
		if (kept >= 10)
			FUZZ_CHECK(shown.ptr[0] == '+' && (shown.len == 1 || shown.ptr[1] != '+'));
		else
			FUZZ_CHECK(shown.len == kept);
	}
	arena_free(mem);
	return 0;
}
