#include "triggers.h"

#include "definition.h"
#include "listing.h"

static enum rc tell_trigger(void *ctx, const struct db_value *row)
{
	struct listing *listing = ctx;
	struct buf line = statement_new(listing->m);

	if (!listing_next(listing))
		return RC_OK;
	tell(listing->m, "  %.*s, at each %.*s", SPAN_ARG(row[0].s), SPAN_ARG(row[1].s));
	buf_puts(&line, "  cure: DROP TRIGGER ");
	definition_put_name(&line, row[0].s);
	buf_puts(&line, ";");
	tell_text(listing->m, &line);
	return RC_OK;
}

/*
 * At an UPDATE it would write what our own statements must leave as it is; one
 * that names a renamed column would fail.
 */
enum rc triggers_tell(struct migration *m, uint64_t *count)
{
	struct listing listing = listing_new(m,
	    "triggers: they would run, or fail, while their table is changed; note them (SHOW CREATE TRIGGER),"
	    " and make them again afterwards with the new names");
	struct buf sql = statement_new(m);
	enum rc rc;

	buf_puts(&sql,
	    "SELECT trigger_name, CONCAT(event_manipulation, ' of ', event_object_table)"
	    " FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name NOT LIKE 'wa!_migration!_%' ESCAPE '!' AND (event_object_table = '" SESSIONS
	    "' AND (event_manipulation = 'UPDATE' OR action_statement REGEXP '(new|old)`?[.]`?(status|session_name)')"
	    " OR action_statement REGEXP '(new|old)`?[.]`?(whatsapp_session_id|source_session_id)') ORDER BY 1");
	rc = read_each(m, &sql, "ss", tell_trigger, &listing);
	*count += listing.count > 0;
	return rc;
}
