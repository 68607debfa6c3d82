/*
 * settings: what the operator decides, checked once at start.
 *
 * Read first: the table in settings_table.c (one row for each name), then env.h
 * (where the values come from).  The keys that Laravel knows mean what they
 * mean there; ours begin with WA_.
 */
#ifndef WA_CONF_SETTINGS_H
#define WA_CONF_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bounds.h"
#include "base/rc.h"
#include "base/span.h"
#include "conf/env.h"
#include "conf/mistakes.h"

/* The numbers of an enumerated setting are the places of its words in the table. */
enum conf_session_driver { CONF_SESSION_DATABASE, CONF_SESSION_FILE };
enum conf_secure_cookie { CONF_SECURE_AUTO, CONF_SECURE_OFF, CONF_SECURE_ON };
enum conf_membership { CONF_MEMBERSHIP_TEAMS, CONF_MEMBERSHIP_SESSION };
enum conf_broadcast {
	CONF_BROADCAST_NULL,
	CONF_BROADCAST_LOG,
	CONF_BROADCAST_REVERB,
	CONF_BROADCAST_PUSHER
};
enum conf_scheme { CONF_HTTP, CONF_HTTPS };
enum conf_log_requests { CONF_LOG_ALL, CONF_LOG_ERRORS, CONF_LOG_NONE };

/* An application at a Pusher-compatible server. */
struct settings_broadcaster {
	struct span app_id;
	struct span key;
	struct span secret;
	struct span host;
	uint64_t port;
	uint64_t scheme;
	/* Where browsers reach it, unchecked: for the page alone (app/front.h). */
	struct span browser_host;
	struct span browser_port;
	struct span browser_scheme;
};

/* Every text ends with a NUL behind its span. */
struct settings {
	/* Laravel's */
	struct span app_key;
	struct span app_previous_keys;
	struct span app_name;
	struct span app_url;
	struct span db_host;
	uint64_t db_port;
	struct span db_socket;
	struct span db_database;
	struct span db_username;
	struct span db_password;
	struct span db_ssl_ca;
	uint64_t session_driver;
	uint64_t session_lifetime_min;
	struct span session_cookie;
	bool session_encrypt;
	struct span session_path;
	struct span session_domain;
	uint64_t session_secure_cookie;
	bool session_http_only;
	struct span session_same_site;
	bool session_expire_on_close;

	uint64_t broadcast_connection;
	struct settings_broadcaster reverb, pusher;
	struct span pusher_cluster;

	/* the Node service's */
	struct span node_api_key;
	uint64_t instance_count;
	const struct span *instances; /* their base URLs, without a slash at the end */
	struct span hmac_secret;
	struct span hmac_previous_secrets; /* comma-separated */
	uint64_t signature_ttl_s;

	/* ours */
	struct span listen;
	uint64_t listen_mode;
	struct span listen_group;
	struct span listen_allow;
	uint64_t listen_backlog;
	uint64_t workers;
	uint64_t max_requests;
	uint64_t request_timeout_s;
	uint64_t stop_timeout_s;
	uint64_t memory_limit_mib;
	struct span pid_file;
	struct span log_file;
	uint64_t log_requests;
	uint64_t db_connect_timeout_s;
	uint64_t db_timeout_s;
	uint64_t db_node_timeout_ms;
	bool wait_for_schema;
	uint64_t max_accounts;
	bool require_phone;
	uint64_t connect_deadline_s;
	struct span guard; /* comma-separated, like the roles */
	struct span roles;
	uint64_t membership;
	struct span session_table;
	struct span session_files; /* a folder */
	struct span user_model;
	bool workspace_keys;
	bool legacy_aliases;
	int64_t legacy_sunset_us; /* the first moment of that day, UTC */
	bool relay;
	uint64_t relay_poll_ms;
	uint64_t broadcast_max_bytes;
	uint64_t node_concurrency;
	uint64_t node_timeout_s;
	uint64_t outbox_attempts;
	uint64_t outbox_keep_s;
	struct span ca_file;
	struct span page_template; /* a file; absent: no page is served */
	struct span page_manifest; /* a file */
	struct span page_assets;   /* a URL, or the path of one */
	bool allow_weak_secrets;
	bool node_api_key_in;
	bool guard_cleanup_delete;
};

/*
 * Fill `ret` from `env`; its spans live in `mem`.  Every mistake is added to
 * `mistakes`, also those of the values that are never used; unknown names
 * that begin with WA_ are added to `warnings`.
 *
 * RC_INVALID  there is a mistake; `ret` must not be used
 */
enum rc settings_read(const struct env *env, struct arena *mem, struct settings *ret,
    struct conf_mistakes *mistakes, struct conf_mistakes *warnings) MUST_CHECK;

/*
 * Each setting in the table's order, with its value as text (secrets as
 * "(set)" or "(empty)") and where it came from.
 */
typedef void settings_each_fn(
    void *ctx, const char *name, struct span value, struct span source, const char *help);
void settings_each(const struct settings *settings, const struct env *env, struct arena *mem,
    settings_each_fn *fn, void *ctx);

#endif
