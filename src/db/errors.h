/*
 * errors: what MariaDB's error numbers mean for us.
 */
#ifndef WA_DB_ERRORS_H
#define WA_DB_ERRORS_H

#include <stdbool.h>

#include "base/metric.h"
#include "base/rc.h"

enum db_fault {
	DB_FAULT_NONE,
	DB_FAULT_LOST,          /* the connection is of no use any more */
	DB_FAULT_TIMEOUT,       /* no answer before the deadline */
	DB_FAULT_NOT_ACCEPTING, /* read-only, full, not in its cluster: another time */
	DB_FAULT_REFUSED,       /* the settings name a wrong login, database or server */
	DB_FAULT_DEADLOCK,      /* the server has rolled back */
	DB_FAULT_LOCK_WAIT,     /* only the statement has ended: we roll back */
	DB_FAULT_ENDED,         /* the server has ended the statement: too slow, or told to */
	DB_FAULT_DUPLICATE,     /* a unique key */
	DB_FAULT_ABSENT,        /* a table or a column */
	DB_FAULT_UNFIT,         /* the check of db_on_connect refuses */
	DB_FAULT_OTHER,
};

/* Our own number, beside the server's and the library's: not a server that we can use. */
enum { DB_WRONG_SERVER = 1 };

enum db_fault errors_fault(unsigned error);
/* There is no such table or column. */
bool errors_is_absent(unsigned error);
/* One word for a log; never NULL. */
const char *errors_word(enum db_fault fault);
/* The counter, or METRIC_COUNT for what is no error of the database. */
enum metric errors_metric(enum db_fault fault);

#endif
