/* The page's data as a page object, in its HTML, and as it is; by whom it is asked for. */
#include "account/account.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/inertia.h"
#include "api/reply.h"
#include "api/shell.h"
#include "api_tests.h"
#include "auth/session.h"
#include "page/page.h"
#include "unit.h"

#define PATH "/settings/whatsapp-accounts"
#define OBJECT(url, version) \
	"{\"component\":\"User/Settings/WhatsAppAccounts\",\"props\":{\"accounts\":[]," \
	"\"canAddAccount\":true,\"modules\":[],\"workspaceId\":7,\"errors\":{}}," \
	"\"url\":\"" url "\",\"version\":\"" version "\"}"
#define NAVIGATION "text/html,application/xhtml+xml,*/*;q=0.8"

static const struct page *page_of(struct arena *mem)
{
	struct page *page = arena_alloc(mem, sizeof(*page));
	struct template_part *parts = arena_alloc(mem, 3 * sizeof(*parts));

	parts[0] = (struct template_part){TEMPLATE_CSRF_TOKEN, {0}};
	parts[1] = (struct template_part){TEMPLATE_TEXT, SPAN("|")};
	parts[2] = (struct template_part){TEMPLATE_INERTIA, {0}};
	*page = (struct page){.template = {parts, 3}, .version = SPAN("ours")};
	return page;
}

/* Somebody of workspace 7, who has no accounts, on a site that is ours alone. */
static struct call call_of(struct arena *mem, const char *accept)
{
	struct api *api = arena_alloc(mem, sizeof(*api));
	struct session *session = arena_alloc(mem, sizeof(*session));
	struct call call = {.mem = mem, .audience = FOR_BROWSER, .api = api};

	session->token = SPAN_OF("to<ken");
	api->page = page_of(mem);
	api->limits.max_connected = 1;
	call.caller = (struct caller){.user_id = 1, .workspace_id = 7, .session = session};
	call.asked = arena_alloc(mem, sizeof(struct account_list));
	call.request.path = SPAN_OF(PATH);
	call.request.params[PARAM_ACCEPT] = span_of(accept);
	call.request.params[PARAM_STANDALONE] = SPAN_OF("1");
	http_response_init(&call.response, mem);
	return call;
}

static struct call visit_of(struct arena *mem, const char *version)
{
	struct call call = call_of(mem, "text/html, application/xhtml+xml");

	call.request.params[PARAM_X_INERTIA] = SPAN_OF("true");
	call.request.params[PARAM_X_INERTIA_VERSION] = span_of(version);
	return call;
}

static struct span body_of(const struct call *call)
{
	return buf_span(&call->response.body);
}

static bool has_header(const struct call *call, const char *line)
{
	return unit_has(buf_span(&call->response.headers), line);
}

static bool is_html(const struct call *call)
{
	return strcmp(call->response.content_type, "text/html; charset=UTF-8") == 0;
}

/* The same text without its quotes escaped: there is nothing else to escape in it. */
static struct span unescaped(struct arena *mem, struct span html)
{
	struct buf b = buf_in(mem, 64 * KIB);

	for (size_t i = 0; i < html.len; i++) {
		bool is_quote = span_starts(span_from(html.ptr + i, html.len - i), "&quot;");

		buf_putc(&b, is_quote ? '"' : html.ptr[i]);
		i += is_quote ? strlen("&quot;") - 1 : 0;
	}
	return buf_span(&b);
}

static void test_a_navigation_gets_the_page_around_its_data(void **state)
{
	struct call call = call_of(*state, NAVIGATION);

	browser_index(&call);
	assert_int_equal(call.response.status, 200);
	assert_true(is_html(&call));
	assert_same(unescaped(*state, body_of(&call)),
	    SPAN_OF("to&lt;ken|<div id=\"app\" data-page=\"" OBJECT(PATH, "ours") "\"></div>"));
	assert_true(has_header(&call, "Vary: Accept, X-Inertia\r\n"));
	assert_false(has_header(&call, "X-Inertia:"));
}

static void test_a_token_of_a_script_has_no_csrf_token(void **state)
{
	struct call call = call_of(*state, NAVIGATION);

	call.caller.session = NULL;
	browser_index(&call);
	assert_true(span_starts(body_of(&call), "|<div"));
}

static void test_a_visit_gets_the_page_object_with_our_version(void **state)
{
	struct call call = visit_of(*state, "ours");

	browser_index(&call);
	assert_int_equal(call.response.status, 200);
	assert_false(is_html(&call));
	assert_same(body_of(&call), SPAN_OF(OBJECT(PATH, "ours")));
	assert_true(has_header(&call, "X-Inertia: true\r\n"));
}

static void test_a_visit_with_another_version_or_none_is_sent_to_load_the_page_anew(void **state)
{
	static const char *const versions[] = {"other", "our", "ours ", "", NULL};

	for (size_t i = 0; i < COUNT(versions); i++) {
		struct call call = visit_of(*state, versions[i]);

		call.request.query = SPAN_OF("a=%20&b=\r\nX: \xc3\xa9");
		browser_index(&call);
		assert_int_equal(call.response.status, 409);
		assert_same(body_of(&call), SPAN_OF(""));
		assert_true(has_header(
		    &call, "\r\nX-Inertia-Location: " PATH "?a=%20&b=%0D%0AX:%20%C3%A9\r\n"));
		assert_false(has_header(&call, "X-Inertia:"));
		assert_string_equal(call.why, "page_outdated");
	}
}

static void test_where_the_page_is_laravels_versions_are_not_compared(void **state)
{
	struct call call = visit_of(*state, "theirs");

	call.request.params[PARAM_STANDALONE] = (struct span){0};
	browser_index(&call);
	assert_same(body_of(&call), SPAN_OF(OBJECT(PATH, "theirs")));
}

static void assert_props(struct call *call)
{
	browser_index(call);
	assert_int_equal(call->response.status, 200);
	assert_false(is_html(call));
	assert_same(body_of(call),
	    SPAN_OF("{\"accounts\":[],\"canAddAccount\":true,\"modules\":[],\"workspaceId\":7}"));
}

static void test_who_asks_otherwise_gets_the_props_as_they_are(void **state)
{
	struct call script = call_of(*state, "application/json"),
		    beside = call_of(*state, NAVIGATION), without = call_of(*state, NAVIGATION),
		    odd = call_of(*state, NAVIGATION);
	struct api api = *without.api;

	assert_props(&script);
	beside.request.params[PARAM_STANDALONE] = (struct span){0};
	assert_props(&beside);
	api.page = NULL;
	without.api = &api;
	assert_props(&without);
	odd.request.params[PARAM_STANDALONE] = SPAN_OF("0");
	assert_props(&odd);
}

static void test_a_query_stands_in_the_url_as_a_header_may_have_it(void **state)
{
	struct call call = visit_of(*state, "ours");

	call.request.query = SPAN_OF("q=\xff\"'<\\x7f");
	browser_index(&call);
	assert_same(body_of(&call), SPAN_OF(OBJECT(PATH "?q=%FF\\\"'<\\\\x7f", "ours")));
}

static void test_a_navigation_that_is_refused_gets_the_message_as_html(void **state)
{
	struct call call = call_of(*state, NAVIGATION);

	reply_unavailable(&call, "database_away");
	assert_int_equal(call.response.status, 503);
	assert_true(is_html(&call));
	assert_true(has_header(&call, "Retry-After: 1\r\n"));
	assert_true(unit_has(body_of(&call), "<p>Service temporarily unavailable</p>"));
	assert_string_equal(call.why, "database_away");
	/* What is answered in its place is no HTML any more. */
	reply_redirect(&call, 302, SPAN_OF("/login"));
	assert_false(is_html(&call));
}

static void test_others_that_are_refused_get_json(void **state)
{
	struct call visit = visit_of(*state, "ours"), post = call_of(*state, NAVIGATION),
		    node = call_of(*state, NAVIGATION), script = call_of(*state, "*/*");
	struct call *calls[] = {&visit, &post, &node, &script};

	post.request.method = HTTP_POST;
	node.audience = FOR_NODE;
	for (size_t i = 0; i < COUNT(calls); i++) {
		reply_error(calls[i], 403, "forbidden", "No");
		assert_false(is_html(calls[i]));
		assert_true(unit_has(body_of(calls[i]), "\"code\":\"forbidden\""));
	}
}

static void test_head_is_answered_as_get(void **state)
{
	struct call call = call_of(*state, NAVIGATION), outdated = visit_of(*state, "other");

	call.request.method = outdated.request.method = HTTP_HEAD;
	browser_index(&call);
	assert_true(is_html(&call));
	browser_index(&outdated);
	assert_int_equal(outdated.response.status, 409);
}

static void test_who_takes_html_says_so_somewhere_in_accept(void **state)
{
	static const char *const yes[] = {"text/html", "*/*, TEXT/HTML;q=0.1", "xtext/htmlx"};
	static const char *const no[] = {NULL, "", "text/htm", "application/json, */*"};

	for (size_t i = 0; i < COUNT(yes); i++) {
		struct call call = call_of(*state, yes[i]);

		assert_true(shell_accepts_html(&call));
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		struct call call = call_of(*state, no[i]);

		assert_false(shell_accepts_html(&call));
	}
}

int test_api_page(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_a_navigation_gets_the_page_around_its_data),
	    arena_test(test_a_token_of_a_script_has_no_csrf_token),
	    arena_test(test_a_visit_gets_the_page_object_with_our_version),
	    arena_test(test_a_visit_with_another_version_or_none_is_sent_to_load_the_page_anew),
	    arena_test(test_where_the_page_is_laravels_versions_are_not_compared),
	    arena_test(test_who_asks_otherwise_gets_the_props_as_they_are),
	    arena_test(test_a_query_stands_in_the_url_as_a_header_may_have_it),
	    arena_test(test_a_navigation_that_is_refused_gets_the_message_as_html),
	    arena_test(test_others_that_are_refused_get_json),
	    arena_test(test_head_is_answered_as_get),
	    arena_test(test_who_takes_html_says_so_somewhere_in_accept),
	};

	return unit_run("api/inertia, api/shell", tests);
}
