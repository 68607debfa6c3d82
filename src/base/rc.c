#include "base/rc.h"

const char *rc_name(enum rc rc)
{
	switch (rc) {
	case RC_OK:
		return "ok";
	case RC_INVALID:
		return "invalid";
	case RC_NOT_FOUND:
		return "not_found";
	case RC_CONFLICT:
		return "conflict";
	case RC_DENIED:
		return "denied";
	case RC_RETRY:
		return "retry";
	case RC_UNKNOWN:
		return "unknown";
	case RC_INTERNAL:
		return "internal";
	}
	return "?";
}
