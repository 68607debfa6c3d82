/*
 * metric: the list of everything that is counted.
 *
 * One line each: a counter's constant, its Prometheus name with labels, and
 * its help (shown once for a name).  Lines of one name stand together.
 * Counts by route are not here: board.h keeps them for each row of the
 * routing table.
 */
#ifndef WA_BASE_METRIC_H
#define WA_BASE_METRIC_H

#include <stddef.h>

#define METRIC_LIST(X) \
	X(CHILD_STARTED, "wa_child_starts_total{reason=\"first\"}", \
	    "Children started by the master, by reason.") \
	X(CHILD_REPLACED, "wa_child_starts_total{reason=\"replaced\"}", "") \
	X(CHILD_RECYCLED, "wa_child_starts_total{reason=\"recycled\"}", "") \
	X(CHILD_HUNG, "wa_child_hung_total", \
	    "Children killed because a request passed WA_REQUEST_TIMEOUT.") \
	X(REFUSED_PEER, "wa_refused_peers_total", \
	    "Connections refused because WA_LISTEN_ALLOW does not name the peer.") \
	X(BROKEN_REQUEST, "wa_broken_requests_total", \
	    "Connections that ended before a whole FastCGI request had arrived.") \
	X(ABANDONED, "wa_abandoned_requests_total", \
	    "Requests not run because their client had gone.") \
	X(DB_CONNECT, "wa_db_connects_total{result=\"ok\"}", "Database connections attempted.") \
	X(DB_CONNECT_FAILED, "wa_db_connects_total{result=\"failed\"}", "") \
	X(DB_LOST, "wa_db_errors_total{kind=\"lost\"}", "Database errors, by kind.") \
	X(DB_TIMEOUT, "wa_db_errors_total{kind=\"timeout\"}", "") \
	X(DB_DEADLOCK, "wa_db_errors_total{kind=\"deadlock\"}", "") \
	X(DB_LOCK_WAIT, "wa_db_errors_total{kind=\"lock_wait\"}", "") \
	X(DB_NOT_ACCEPTING, "wa_db_errors_total{kind=\"not_accepting\"}", "") \
	X(DB_OTHER, "wa_db_errors_total{kind=\"other\"}", "") \
	X(DB_GAVE_UP, "wa_db_transactions_given_up_total", \
	    "Transactions that lost every try to a deadlock or a lock wait.") \
	X(HMAC_CURRENT, "wa_hmac_accepted_total{secret=\"current\"}", \
	    "Signed requests accepted, by the secret that they used.") \
	X(HMAC_PREVIOUS, "wa_hmac_accepted_total{secret=\"previous\"}", "") \
	X(HMAC_MISSING, "wa_hmac_refused_total{reason=\"missing\"}", \
	    "Signed requests refused, by reason.") \
	X(HMAC_EXPIRED, "wa_hmac_refused_total{reason=\"expired\"}", "") \
	X(HMAC_MILLISECONDS, "wa_hmac_refused_total{reason=\"milliseconds\"}", "") \
	X(HMAC_MISMATCH, "wa_hmac_refused_total{reason=\"mismatch\"}", "") \
	X(REFUSED_NO_PROOF, "wa_refused_total{reason=\"no_proof\"}", \
	    "Requests of browsers and scripts that were not let in, by reason.") \
	X(REFUSED_WRONG_WAY, "wa_refused_total{reason=\"wrong_way\"}", "") \
	X(REFUSED_NO_KEY, "wa_refused_total{reason=\"no_key\"}", "") \
	X(REFUSED_MALFORMED, "wa_refused_total{reason=\"malformed\"}", "") \
	X(REFUSED_MAC, "wa_refused_total{reason=\"mac\"}", "") \
	X(REFUSED_PREFIX, "wa_refused_total{reason=\"prefix\"}", "") \
	X(REFUSED_SESSION_ID, "wa_refused_total{reason=\"session_id\"}", "") \
	X(REFUSED_NO_SESSION, "wa_refused_total{reason=\"no_session\"}", "") \
	X(REFUSED_NO_ACCESS, "wa_refused_total{reason=\"no_access\"}", "") \
	X(REFUSED_EXPIRED, "wa_refused_total{reason=\"expired\"}", "") \
	X(REFUSED_PAYLOAD, "wa_refused_total{reason=\"payload\"}", "") \
	X(REFUSED_GUEST, "wa_refused_total{reason=\"guest\"}", "") \
	X(REFUSED_USER_GONE, "wa_refused_total{reason=\"user_gone\"}", "") \
	X(REFUSED_BAD_TOKEN, "wa_refused_total{reason=\"bad_token\"}", "") \
	X(REFUSED_TOKEN_EXPIRED, "wa_refused_total{reason=\"token_expired\"}", "") \
	X(REFUSED_WRONG_KEY, "wa_refused_total{reason=\"wrong_key\"}", "") \
	X(REFUSED_NO_WORKSPACE, "wa_refused_total{reason=\"no_workspace\"}", "") \
	X(REFUSED_WORKSPACE_REQUIRED, "wa_refused_total{reason=\"workspace_required\"}", "") \
	X(REFUSED_WORKSPACE_GONE, "wa_refused_total{reason=\"workspace_gone\"}", "") \
	X(REFUSED_NOT_MEMBER, "wa_refused_total{reason=\"not_member\"}", "") \
	X(REFUSED_ROLE, "wa_refused_total{reason=\"role\"}", "") \
	X(REFUSED_SUSPENDED, "wa_refused_total{reason=\"suspended\"}", "") \
	X(REFUSED_ABILITY, "wa_refused_total{reason=\"ability\"}", "") \
	X(REFUSED_CSRF, "wa_refused_total{reason=\"csrf_mismatch\"}", "") \
	X(SESSION_TOUCH_FAILED, "wa_session_touch_failed_total", \
	    "Sessions whose last activity could not be written.") \
	X(CLEANUP_REFUSED, "wa_cleanup_refused_total", \
	    "Accounts that a page wanted to clean up, and that are worth keeping.") \
	X(EVENT_DELIVERED, "wa_outbox_settled_total{kind=\"event\",result=\"delivered\"}", \
	    "Rows of the outbox that the relay has settled, by kind and result.") \
	X(EVENT_GIVEN_UP, "wa_outbox_settled_total{kind=\"event\",result=\"given_up\"}", "") \
	X(EVENT_CANCELLED, "wa_outbox_settled_total{kind=\"event\",result=\"cancelled\"}", "") \
	X(EVENT_EXPIRED, "wa_outbox_settled_total{kind=\"event\",result=\"expired\"}", "") \
	X(COMMAND_DELIVERED, "wa_outbox_settled_total{kind=\"command\",result=\"delivered\"}", "") \
	X(COMMAND_GIVEN_UP, "wa_outbox_settled_total{kind=\"command\",result=\"given_up\"}", "") \
	X(COMMAND_REPLACED, "wa_outbox_settled_total{kind=\"command\",result=\"replaced\"}", "") \
	X(COMMAND_CANCELLED, "wa_outbox_settled_total{kind=\"command\",result=\"cancelled\"}", "") \
	X(EVENT_RETRIED, "wa_outbox_retries_total{kind=\"event\"}", \
	    "Attempts after which a row stays in the outbox, to be tried again.") \
	X(COMMAND_RETRIED, "wa_outbox_retries_total{kind=\"command\"}", "") \
	X(EVENT_REDUCED, "wa_broadcast_reduced_total", \
	    "Events sent without their QR code or metadata, because they were too large.") \
	X(BREAKER_OPENED, "wa_breaker_opened_total", \
	    "Times that a peer was not asked for a while because it had failed.") \
	X(PAIRING_OVERDUE, "wa_pairings_overdue_total", \
	    "Pairings ended because nobody finished them in time.") \
	X(OVER_LIMIT, "wa_connected_over_limit_total", \
	    "Connected reports accepted although the workspace is over WA_MAX_ACCOUNTS.")

enum metric {
#define METRIC_ENUM(name, series, help) METRIC_##name,
	METRIC_LIST(METRIC_ENUM)
#undef METRIC_ENUM
	    METRIC_COUNT
};

struct metric_info {
	const char *series; /* name and labels as Prometheus writes them */
	const char *help;   /* "" where the line before has the same name */
};

extern const struct metric_info metric_infos[METRIC_COUNT];

#endif
