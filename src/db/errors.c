#include "errors.h"

#include <stddef.h>

/*
 * Numbers below 2000 and from 3000 on are the server's (mysqld_error.h),
 * those between the client library's (errmsg.h).
 */
static const struct {
	unsigned error;
	enum db_fault fault;
} faults[] = {
    {2002, DB_FAULT_LOST},          /* cannot connect through the socket */
    {2003, DB_FAULT_LOST},          /* cannot connect to the host */
    {2005, DB_FAULT_LOST},          /* unknown host */
    {2006, DB_FAULT_LOST},          /* gone away */
    {2012, DB_FAULT_LOST},          /* error in the handshake */
    {2013, DB_FAULT_LOST},          /* lost while waiting for the answer */
    {2014, DB_FAULT_LOST},          /* commands out of sync */
    {2026, DB_FAULT_LOST},          /* TLS error */
    {2027, DB_FAULT_LOST},          /* malformed packet */
    {2055, DB_FAULT_LOST},          /* lost, with the system's reason */
    {2057, DB_FAULT_LOST},          /* the statement's columns have changed */
    {1243, DB_FAULT_LOST},          /* the server does not know the statement */
    {1615, DB_FAULT_LOST},          /* its tables have changed, more than once meanwhile */
    {1053, DB_FAULT_LOST},          /* server shutdown in progress */
    {1077, DB_FAULT_LOST},          /* normal shutdown */
    {1158, DB_FAULT_LOST},          /* error reading packets */
    {1159, DB_FAULT_LOST},          /* timeout reading packets */
    {1160, DB_FAULT_LOST},          /* error writing packets */
    {1161, DB_FAULT_LOST},          /* timeout writing packets */
    {1927, DB_FAULT_LOST},          /* connection was killed */
    {4031, DB_FAULT_LOST},          /* disconnected for being idle */
    {1040, DB_FAULT_NOT_ACCEPTING}, /* too many connections */
    {1047, DB_FAULT_NOT_ACCEPTING}, /* Galera: not ready */
    {1203, DB_FAULT_NOT_ACCEPTING}, /* too many connections of this user */
    {1226, DB_FAULT_NOT_ACCEPTING}, /* the user's limit is used up */
    {1290, DB_FAULT_NOT_ACCEPTING}, /* --read-only */
    {1836, DB_FAULT_NOT_ACCEPTING}, /* read only mode */
    {DB_WRONG_SERVER, DB_FAULT_REFUSED},
    {1044, DB_FAULT_REFUSED}, /* no right to the database */
    {1045, DB_FAULT_REFUSED}, /* wrong name or password */
    {1049, DB_FAULT_REFUSED}, /* unknown database */
    {1698, DB_FAULT_REFUSED}, /* access denied without a password */
    {1213, DB_FAULT_DEADLOCK},
    {1205, DB_FAULT_LOCK_WAIT},
    {1969, DB_FAULT_ENDED},
    {1317, DB_FAULT_ENDED},         /* KILL QUERY */
    {1412, DB_FAULT_ENDED},         /* the table was altered under a snapshot */
    {1206, DB_FAULT_ENDED},         /* no room for more locks */
    {1021, DB_FAULT_NOT_ACCEPTING}, /* disk full */
    {1114, DB_FAULT_NOT_ACCEPTING}, /* table full */
    {1180, DB_FAULT_NOT_ACCEPTING}, /* error during COMMIT */
    {1129, DB_FAULT_REFUSED},       /* host is blocked */
    {1130, DB_FAULT_REFUSED},       /* host is not allowed */
    {4151, DB_FAULT_REFUSED},       /* account is locked */
    {1146, DB_FAULT_ABSENT},        /* no such table */
    {1054, DB_FAULT_ABSENT},        /* no such column */
    {1062, DB_FAULT_DUPLICATE},
};

enum db_fault errors_fault(unsigned error)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].error == error)
			return faults[i].fault;
	return DB_FAULT_OTHER;
}

bool errors_is_absent(unsigned error)
{
	return errors_fault(error) == DB_FAULT_ABSENT;
}

enum metric errors_metric(enum db_fault fault)
{
	switch (fault) {
	case DB_FAULT_LOST:
		return METRIC_DB_LOST;
	case DB_FAULT_TIMEOUT:
	case DB_FAULT_ENDED:
		return METRIC_DB_TIMEOUT;
	case DB_FAULT_NOT_ACCEPTING:
		return METRIC_DB_NOT_ACCEPTING;
	case DB_FAULT_DEADLOCK:
		return METRIC_DB_DEADLOCK;
	case DB_FAULT_LOCK_WAIT:
		return METRIC_DB_LOCK_WAIT;
	case DB_FAULT_REFUSED:
	case DB_FAULT_ABSENT:
	case DB_FAULT_OTHER:
		return METRIC_DB_OTHER;
	case DB_FAULT_NONE:
	case DB_FAULT_DUPLICATE:
	case DB_FAULT_UNFIT:
		break;
	}
	return METRIC_COUNT;
}

const char *errors_word(enum db_fault fault)
{
	switch (fault) {
	case DB_FAULT_NONE:
		return "database_away";
	case DB_FAULT_LOST:
		return "database_lost";
	case DB_FAULT_TIMEOUT:
		return "database_silent";
	case DB_FAULT_NOT_ACCEPTING:
		return "database_not_accepting";
	case DB_FAULT_REFUSED:
		return "database_refuses";
	case DB_FAULT_DEADLOCK:
		return "deadlock";
	case DB_FAULT_LOCK_WAIT:
		return "lock_wait";
	case DB_FAULT_ENDED:
		return "statement_ended";
	case DB_FAULT_DUPLICATE:
		return "duplicate";
	case DB_FAULT_ABSENT:
		return "schema_changed";
	case DB_FAULT_UNFIT:
		return "schema_unfit";
	case DB_FAULT_OTHER:
		break;
	}
	return "database_error";
}
