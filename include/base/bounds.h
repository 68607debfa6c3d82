/*
 * bounds: every maximum of the program, in one place.
 *
 * A buffer is created with its maximum; nothing that a peer sends decides
 * how much is allocated.  nginx/ names the same figures where it can refuse
 * earlier than we do.
 */
#ifndef WA_BASE_BOUNDS_H
#define WA_BASE_BOUNDS_H

enum {
	KIB = 1024,
	MIB = 1024 * 1024,

	/* one request */
	BOUND_BODY = 1 * MIB, /* client_max_body_size */
	BOUND_WEBHOOK =
	    16 * MIB, /* of the Node.js service's webhook, which carries media to Laravel */
	BOUND_PARAMS = 64 * KIB,   /* names and values of the FastCGI parameters together */
	BOUND_HEADERS = 14 * KIB,  /* of an answer; fastcgi_buffer_size is 16 KiB */
	BOUND_RESPONSE = 64 * MIB, /* an answer that is built in memory: a list of all accounts */
	BOUND_DISCARD = 1 * MIB,   /* unread input that is read away before closing */
	BOUND_REQUEST_ID = 64,     /* X-Request-Id */
	BOUND_QUERY_FIELDS = 32,   /* fields of a query string */
	BOUND_FORM_FIELDS = 1000,  /* of a form: PHP's max_input_vars */
	BOUND_JSON_DEPTH = 32,     /* MariaDB's own limit for JSON */
	BOUND_ARENA_CHUNK = 64 * KIB, /* the part of a request's arena that is kept */
	BOUND_STREAM_PAGE = 500,      /* rows of one page of a streamed list */

	/* one login */
	BOUND_COOKIE = 8 * KIB,  /* a cookie's text; browsers stop at 4 KiB */
	BOUND_SESSION = 1 * MIB, /* what Laravel keeps for a session */
	BOUND_PHP_DEPTH = 4096,  /* PHP's unserialize_max_depth */
	BOUND_TOKEN = 512,       /* a bearer token */
	BOUND_GUARDS = 8,        /* names in WA_GUARD */
	BOUND_ROLES = 16,        /* names in WA_ROLES */
	BOUND_COOKIE_TRIES = 2,  /* names under which the session cookie is looked for */

	/* one workspace */
	BOUND_WORKSPACE_ACCOUNTS = 10000, /* live ones that we make; their list is one answer */

	/* one account */
	BOUND_UUID = 36,
	BOUND_SESSION_ID = 191, /* characters */
	BOUND_NAME = 255,       /* characters */
	BOUND_PHONE = 50,       /* characters */
	BOUND_PHONE_DIGITS_MIN = 5,
	BOUND_PHONE_DIGITS_MAX = 20,
	BOUND_QR_CODE = 65535, /* bytes: a TEXT column */
	BOUND_QR_EXPIRES_S = 3600,
	BOUND_REPORT_METADATA = 8 * KIB,
	BOUND_METADATA = 1 * MIB, /* what a row's metadata may grow to */
	BOUND_REASON = 255,       /* characters of a reason that is kept */

	/* the page */
	BOUND_TEMPLATE = 64 * KIB,
	BOUND_PLACEHOLDERS = 64, /* in a template */
	BOUND_MANIFEST = 1 * MIB,
	BOUND_CHUNKS = 256,     /* that the page's entry imports, and stylesheets that these have */
	BOUND_ASSET_NAME = 255, /* of a built file, with its folders */
	BOUND_ASSET_TAGS = 256 * KIB, /* in the page's head */

	/* settings */
	BOUND_ENV_FILE = 1 * MIB,
	BOUND_ENV_LINE = 16 * KIB,
	BOUND_SECRET_MIN = 20, /* characters; fewer is weak */
	BOUND_SECRETS = 8,     /* one current and the retired ones, also of APP_KEY */

	/* the relay */
	BOUND_INSTANCES = 64, /* of the Node.js service */
	BOUND_SOCKET_ID = 64, /* of a browser at the Pusher server */

	/* the pool */
	BOUND_WORKERS = 256,
	BOUND_ROUTES = 32,

	/* one line of the log */
	BOUND_LOG_LINE = 4 * KIB,
};

#endif
