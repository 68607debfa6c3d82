#include "app/front.h"

#include <stdio.h>
#include <unistd.h>

#include "app_tests.h"
#include "unit.h"

#define TEMPLATE \
	"<title>{{ app_name }}</title>\n<i>{{ broadcaster }}</i>\n{{ vite }}\n{{ inertia }}\n"
#define MANIFEST "{\"main.js\":{\"file\":\"main.js\",\"isEntry\":true}}"
#define REVERB \
	"BROADCAST_CONNECTION=reverb\nREVERB_APP_ID=i\nREVERB_APP_KEY=k<\nREVERB_APP_SECRET=s\n" \
	"REVERB_HOST=127.0.0.1\n"
#define PUSHER \
	"BROADCAST_CONNECTION=pusher\nPUSHER_APP_ID=i\nPUSHER_APP_KEY=k\nPUSHER_APP_SECRET=s\n"

struct opened {
	const struct page *page;
	struct conf_mistakes mistakes;
};

static struct settings settings_of(struct arena *mem, const char *more, struct env **env)
{
	struct conf_mistakes mistakes, warnings;
	struct settings settings = {0};
	struct buf text = buf_in(mem, 64 * KIB);

	buf_putf(&text,
	    "DB_DATABASE=d\nDB_USERNAME=u\nWHATSAPP_HMAC_SECRET=4f1c0b9a7d3e8526aa01bb02cc03dd04\n"
	    "APP_NAME=Demo\n%s",
	    more);
	conf_mistakes_init(&mistakes);
	conf_mistakes_init(&warnings);
	*env = env_parse(buf_span(&text), "ENV", NULL, mem, &mistakes);
	if (settings_read(*env, mem, &settings, &mistakes, &warnings) != RC_OK)
		fail_msg("%.*s", SPAN_ARG(mistakes.first->what));
	return settings;
}

static const char *write_file(
    struct arena *mem, struct unit_folder *folder, const char *name, const char *text)
{
	struct buf path = buf_in(mem, 128);
	FILE *file;

	buf_putf(&path, "%s/%s", folder->path, name);
	buf_putc(&path, '\0');
	file = fopen(path.ptr, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path.ptr;
}

/* With these files (NULL: there is none), and `more` settings. */
static struct opened opened(
    struct arena *mem, const char *template, const char *manifest, const char *more)
{
	struct unit_folder folder = unit_folder_create();
	struct buf lines = buf_in(mem, 64 * KIB);
	struct settings settings;
	struct opened opened;
	struct env *env;

	if (template != NULL)
		write_file(mem, &folder, "app.html", template);
	if (manifest != NULL)
		write_file(mem, &folder, "manifest.json", manifest);
	buf_putf(&lines, "WA_PAGE_TEMPLATE=%s/app.html\nWA_PAGE_MANIFEST=%s/manifest.json\n%s",
	    folder.path, folder.path, more);
	buf_putc(&lines, '\0');
	settings = settings_of(mem, lines.ptr, &env);
	conf_mistakes_init(&opened.mistakes);
	front_open(&settings, env, mem, &opened.mistakes, &opened.page);
	unit_folder_remove(&folder);
	return opened;
}

static void assert_mistake(const struct conf_mistake *mistake, const char *where, const char *what)
{
	assert_non_null(mistake);
	if (!unit_has(mistake->where, where) || !unit_has(mistake->what, what))
		fail_msg("%.*s: %.*s", SPAN_ARG(mistake->where), SPAN_ARG(mistake->what));
}

/* The only mistake that there is with these settings. */
static void assert_one_mistake(struct arena *mem, const char *more, const char *what)
{
	struct opened o = opened(mem, TEMPLATE, MANIFEST, more);

	assert_null(o.page);
	assert_mistake(o.mistakes.first, "ENV:", what);
	assert_null(o.mistakes.first->next);
}

static struct span html_of(struct arena *mem, const struct opened *o)
{
	struct buf b = buf_in(mem, 64 * KIB);

	if (o->mistakes.first != NULL)
		fail_msg("%.*s", SPAN_ARG(o->mistakes.first->what));
	assert_non_null(o->page);
	page_put(&b, o->page, (struct span){0}, SPAN_OF("{}"));
	return buf_span(&b);
}

static void test_without_a_template_there_is_no_page_and_nothing_is_looked_at(void **state)
{
	struct opened o;
	struct env *env;
	struct settings settings = settings_of(*state,
	    "WA_PAGE_MANIFEST=/nowhere\nWA_PAGE_ASSETS=no url\nVITE_REVERB_PORT=${REVERB_PORT}\n" REVERB,
	    &env);

	conf_mistakes_init(&o.mistakes);
	front_open(&settings, env, *state, &o.mistakes, &o.page);
	assert_null(o.page);
	assert_null(o.mistakes.first);
}

static void test_a_page_has_its_name_its_assets_and_its_broadcaster(void **state)
{
	struct opened o = opened(*state, TEMPLATE, MANIFEST, REVERB);

	assert_same(html_of(*state, &o),
	    SPAN_OF(
		"<title>Demo</title>\n<i>{&quot;broadcaster&quot;:&quot;reverb&quot;,"
		"&quot;key&quot;:&quot;k&lt;&quot;,&quot;cluster&quot;:null,&quot;host&quot;:null,"
		"&quot;port&quot;:null,&quot;scheme&quot;:null}</i>\n"
		"<script type=\"module\" src=\"/wa-accounts/main.js\"></script>\n"
		"<div id=\"app\" data-page=\"{}\"></div>\n"));
}

static void test_all_mistakes_are_told_at_once_each_with_its_place(void **state)
{
	struct opened o = opened(*state, "{{ vite }}\n{{ flash }}", "{}",
	    "WA_PAGE_ASSETS=wa-accounts/\nVITE_REVERB_PORT=0\n" REVERB);
	const struct conf_mistake *mistake = o.mistakes.first;

	assert_null(o.page);
	assert_mistake(mistake, "ENV:7", "WA_PAGE_ASSETS is \"wa-accounts/\"");
	assert_mistake(mistake = mistake->next, "ENV:8", "VITE_REVERB_PORT is \"0\"");
	assert_mistake(mistake = mistake->next, "/app.html:2", "{{ flash }} is unknown");
	assert_mistake(mistake = mistake->next, "/manifest.json", "it has no entry");
	assert_null(mistake->next);
}

static void test_files_that_cannot_be_read_are_mistakes(void **state)
{
	struct opened o = opened(*state, NULL, NULL, "");

	assert_null(o.page);
	assert_mistake(o.mistakes.first, "ENV:5", "app.html cannot be read: No such file");
	assert_mistake(
	    o.mistakes.first->next, "ENV:6", "manifest.json cannot be read: No such file");
	o = opened(*state, TEMPLATE, MANIFEST, "WA_PAGE_MANIFEST=/\n");
	assert_mistake(
	    o.mistakes.first, "ENV:7", "WA_PAGE_MANIFEST / cannot be read: Is a directory");
}

static void test_a_template_needs_a_manifest(void **state)
{
	struct opened o = opened(*state, TEMPLATE, NULL, "WA_PAGE_MANIFEST=\n");

	assert_mistake(o.mistakes.first, "ENV:5", "and WA_PAGE_MANIFEST is not");
	assert_null(o.mistakes.first->next);
}

static void test_a_file_has_a_maximum(void **state)
{
	char *large = arena_alloc(*state, BOUND_TEMPLATE + 2);
	struct opened o;

	memset(large, ' ', BOUND_TEMPLATE + 1);
	o = opened(*state, large, MANIFEST, "");
	assert_mistake(o.mistakes.first, "ENV:5", "app.html cannot be read: File too large");
}

static void test_the_assets_are_a_path_or_a_url_that_ends_in_a_slash(void **state)
{
	static const char *const wrong[] = {"wa/", "/wa", "//wa/", "ftp://host/", "\"/w a/\"",
	    "/wa/?a=/", "\"/wa/#/\"", "\"/\xc3\xa9/\"", "'/a\\b/'"};
	static const char *const right[] = {
	    "/", "/wa/", "/a/b/", "http://host/", "https://host:1/a/"};
	char more[128];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(more, sizeof(more), "WA_PAGE_ASSETS=%s\n", wrong[i]);
		assert_one_mistake(*state, more, "it must be a path or a URL that ends in a slash");
	}
	for (size_t i = 0; i < COUNT(right); i++) {
		struct opened o;

		snprintf(more, sizeof(more), "WA_PAGE_ASSETS=%s\n", right[i]);
		o = opened(*state, TEMPLATE, MANIFEST, more);
		snprintf(more, sizeof(more), "src=\"%smain.js\"", right[i]);
		assert_true(unit_has(html_of(*state, &o), more));
	}
}

static void test_where_browsers_reach_the_broadcaster_is_checked(void **state)
{
	assert_one_mistake(*state, REVERB "VITE_REVERB_HOST=http://host\n", "a host alone");
	assert_one_mistake(*state, REVERB "VITE_REVERB_HOST=host:80\n", "a host alone");
	assert_one_mistake(*state, REVERB "VITE_REVERB_HOST=[::1]:80\n", "a host alone");
	assert_one_mistake(*state, REVERB "VITE_REVERB_HOST='${OTHER}'\n", "a host alone");
	assert_one_mistake(*state, REVERB "VITE_REVERB_PORT=65536\n", "from 1 to 65535");
	assert_one_mistake(*state, REVERB "VITE_REVERB_SCHEME=wss\n", "one of http|https");
	assert_one_mistake(*state, PUSHER "VITE_PUSHER_PORT=x\n", "VITE_PUSHER_PORT is \"x\"");
	/* The other one's are nobody's. */
	assert_non_null(opened(*state, TEMPLATE, MANIFEST, PUSHER "VITE_REVERB_PORT=x\n").page);
	assert_non_null(opened(*state, TEMPLATE, MANIFEST, "VITE_REVERB_PORT=x\n").page);
}

static void test_the_broadcaster_is_told_as_browsers_reach_it(void **state)
{
	static const struct {
		const char *settings, *json;
	} cases[] = {
	    {"", ""},
	    {"BROADCAST_CONNECTION=log\n", ""},
	    {REVERB "VITE_REVERB_HOST=ws.example\nVITE_REVERB_PORT=8443\nVITE_REVERB_SCHEME=http\n",
		"{\"broadcaster\":\"reverb\",\"key\":\"k<\",\"cluster\":null,\"host\":\"ws.example\","
		"\"port\":8443,\"scheme\":\"http\"}"},
	    {REVERB "VITE_REVERB_HOST=[::1]\n",
		"{\"broadcaster\":\"reverb\",\"key\":\"k<\",\"cluster\":null,\"host\":\"[::1]\","
		"\"port\":443,\"scheme\":\"https\"}"},
	    {REVERB "VITE_REVERB_HOST=h\nVITE_REVERB_SCHEME=http\n",
		"{\"broadcaster\":\"reverb\",\"key\":\"k<\",\"cluster\":null,\"host\":\"h\","
		"\"port\":80,\"scheme\":\"http\"}"},
	    /* Whatever else stands there: without a host it is reached where the page is. */
	    {REVERB "VITE_REVERB_PORT=8080\nVITE_REVERB_SCHEME=http\n",
		"{\"broadcaster\":\"reverb\",\"key\":\"k<\",\"cluster\":null,\"host\":null,"
		"\"port\":null,\"scheme\":null}"},
	    {PUSHER "PUSHER_HOST=127.0.0.1\n",
		"{\"broadcaster\":\"pusher\",\"key\":\"k\",\"cluster\":\"mt1\",\"host\":null,"
		"\"port\":null,\"scheme\":null}"},
	    {PUSHER "PUSHER_APP_CLUSTER=eu\nVITE_PUSHER_PORT=80\nVITE_PUSHER_SCHEME=http\n",
		"{\"broadcaster\":\"pusher\",\"key\":\"k\",\"cluster\":\"eu\","
		"\"host\":\"ws-eu.pusher.com\",\"port\":443,\"scheme\":\"https\"}"},
	    {PUSHER "VITE_PUSHER_HOST=soketi.example\nVITE_PUSHER_PORT=6001\n",
		"{\"broadcaster\":\"pusher\",\"key\":\"k\",\"cluster\":\"mt1\","
		"\"host\":\"soketi.example\",\"port\":6001,\"scheme\":\"https\"}"},
	};
	struct env *env;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct settings settings = settings_of(*state, cases[i].settings, &env);

		assert_same(front_broadcaster(&settings, *state), span_of(cases[i].json));
	}
}

int test_app_front(void)
{
	const struct CMUnitTest tests[] = {
	    arena_test(test_without_a_template_there_is_no_page_and_nothing_is_looked_at),
	    arena_test(test_a_page_has_its_name_its_assets_and_its_broadcaster),
	    arena_test(test_all_mistakes_are_told_at_once_each_with_its_place),
	    arena_test(test_files_that_cannot_be_read_are_mistakes),
	    arena_test(test_a_template_needs_a_manifest),
	    arena_test(test_a_file_has_a_maximum),
	    arena_test(test_the_assets_are_a_path_or_a_url_that_ends_in_a_slash),
	    arena_test(test_where_browsers_reach_the_broadcaster_is_checked),
	    arena_test(test_the_broadcaster_is_told_as_browsers_reach_it),
	};

	return unit_run("app/front", tests);
}
