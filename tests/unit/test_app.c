#include "app/peers.h"

#include "app_tests.h"
#include "unit.h"

#define BROADCASTER(name) \
	{ \
		.app_id = SPAN(name "-id"), .key = SPAN(name "-key"), \
		.secret = SPAN(name "-secret"), .host = SPAN(name ".host"), .port = 8080, \
		.scheme = CONF_HTTP \
	}

static struct settings settings_of(enum conf_broadcast connection)
{
	return (struct settings){
	    .broadcast_connection = connection,
	    .broadcast_max_bytes = 12345,
	    .reverb = BROADCASTER("reverb"),
	    .pusher = BROADCASTER("pusher"),
	};
}

static void test_log_and_null_are_no_server(void **state)
{
	const struct settings of_null = settings_of(CONF_BROADCAST_NULL),
			      of_log = settings_of(CONF_BROADCAST_LOG);
	struct broadcast_options options = {.port = 7};

	(void)state;
	assert_false(peers_broadcast(&of_null, &options));
	assert_false(peers_broadcast(&of_log, &options));
	assert_int_equal(options.port, 7);
}

static void assert_options(const struct settings *settings, const char *name, const char *scheme)
{
	struct broadcast_options o;

	assert_true(peers_broadcast(settings, &o));
	assert_true(span_starts(o.app_id, name) && span_starts(o.key, name));
	assert_true(span_starts(o.secret, name) && span_starts(o.host, name));
	assert_same(o.scheme, span_of(scheme));
	assert_int_equal(o.port, 8080);
	assert_int_equal(o.max_bytes, 12345);
}

static void test_reverb_and_pusher_have_each_their_own_settings(void **state)
{
	struct settings reverb = settings_of(CONF_BROADCAST_REVERB),
			pusher = settings_of(CONF_BROADCAST_PUSHER);

	(void)state;
	assert_options(&reverb, "reverb", "http");
	assert_options(&pusher, "pusher", "http");
	reverb.reverb.scheme = CONF_HTTPS;
	assert_options(&reverb, "reverb", "https");
}

static void test_the_instances_are_the_settings_own(void **state)
{
	static const struct span instances[] = {SPAN("http://a"), SPAN("http://b")};
	const struct settings settings = {
	    .instances = instances,
	    .instance_count = 2,
	    .node_api_key = SPAN("key"),
	    .node_timeout_s = 45,
	};
	const struct provider_options options = peers_provider(&settings);

	(void)state;
	assert_ptr_equal(options.instances, instances);
	assert_int_equal(options.instance_count, 2);
	assert_span(options.api_key, "key");
	assert_int_equal(options.timeout_s, 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_and_null_are_no_server),
	    cmocka_unit_test(test_reverb_and_pusher_have_each_their_own_settings),
	    cmocka_unit_test(test_the_instances_are_the_settings_own),
	};

	return unit_run("app/peers", tests) + test_app_front();
}
