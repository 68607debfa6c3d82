/*
 * text_tests: the tests of src/text, one function for each module; each returns
 * the number of its tests that failed.
 */
#ifndef WA_TESTS_TEXT_TESTS_H
#define WA_TESTS_TEXT_TESTS_H

int test_text_base64(void);
int test_text_faults(void);
int test_text_field(void);
int test_text_form(void);
int test_text_hex(void);
int test_text_html(void);
int test_text_json(void);
int test_text_json_valid(void);
int test_text_members(void);
int test_text_percent(void);
int test_text_php(void);
int test_text_utf8(void);

#endif
