#include "workspace/standing.h"

/*
 * The application's releases differ in their columns.  A name that the inner
 * table does not have is looked for around it, and found there as NULL:
 * nobody is deleted or suspended where there is no such column.
 */
#define ABSENT "SELECT NULL AS deleted_at, NULL AS status"
#define USER ", EXISTS (SELECT 1 FROM users WHERE id = ? AND deleted_at IS NULL)"
/* 0: made by nobody who could be asking.  NULL: there is no such workspace. */
#define CREATOR \
	", (SELECT COALESCE(created_by, 0) FROM workspaces WHERE id = ? AND deleted_at IS NULL)"
/* The numbers are those of enum membership. */
#define MEMBER \
	", (SELECT MAX(IF(FIND_IN_SET(role, ?) > 0, IF(status <=> 'suspended', 2, 3), 1))" \
	" FROM teams WHERE user_id = ? AND workspace_id = ? AND deleted_at IS NULL)"
#define ONLY(condition) \
	ABSENT \
	", (SELECT IF(COUNT(*) = 1, MIN(id), IF(COUNT(*) > 1, 0, NULL)) FROM workspaces" \
	" WHERE deleted_at IS NULL AND " condition ")"

enum { STANDING, STANDING_ALONE, WORKSPACES, WORKSPACES_ALONE };

/* The first two columns are those of ABSENT. */
enum { AT_USER = 2, AT_CREATOR, AT_MEMBER };
enum { AT_ONLY = 2, ONLY_COLUMNS };

static const struct db_statement statements[] = {
    [STANDING] = {"workspace.standing", ABSENT USER CREATOR MEMBER, "ssuuu", DB_READ | DB_OPTIONAL},
    [STANDING_ALONE] = {"workspace.standing_alone", ABSENT USER CREATOR ", NULL", "ssuuu", DB_READ},
    [WORKSPACES] = {"workspace.only",
	ONLY("(created_by = ? OR id IN (SELECT workspace_id FROM teams WHERE user_id = ?"
	     " AND FIND_IN_SET(role, ?) > 0 AND NOT status <=> 'suspended'"
	     " AND deleted_at IS NULL))"),
	"ssu", DB_READ | DB_OPTIONAL},
    [WORKSPACES_ALONE] = {"workspace.only_alone", ONLY("created_by = ?"), "ssu", DB_READ},
};

static enum rc read_standing(void *ctx, const struct db_value *row)
{
	struct standing_question *q = ctx;
	bool is_creator = row[AT_CREATOR].type != DB_NULL && row[AT_CREATOR].u == q->user_id;

	q->answer = (struct standing){
	    .has_user = row[AT_USER].u != 0,
	    .has_workspace = row[AT_CREATOR].type != DB_NULL,
	    .membership =
		is_creator || q->trusted ? MEMBERSHIP_FULL : (enum membership)row[AT_MEMBER].u,
	};
	return RC_OK;
}

static void ask(int which, size_t n_in, struct standing_question *q, struct db_ask *ret)
{
	q->answer = (struct standing){0};
	*ret = (struct db_ask){
	    .statement = &statements[which],
	    .in = {db_u(q->user_id), db_u(q->workspace_id), db_s(q->roles), db_u(q->user_id),
		db_u(q->workspace_id)},
	    .n_in = n_in,
	    .fn = read_standing,
	    .ctx = q,
	};
}

void standing_ask(struct standing_question *question, struct db_ask *ret)
{
	ask(STANDING, 5, question, ret);
}

void standing_ask_alone(struct standing_question *question, struct db_ask *ret)
{
	ask(STANDING_ALONE, 2, question, ret);
}

enum rc standing_read(struct db *db, struct arena *mem, struct standing_question *question)
{
	struct db_ask one;
	enum rc rc;

	standing_ask(question, &one);
	rc = db_ask_all(db, &one, 1, mem);
	if (rc == RC_NOT_FOUND) {
		standing_ask_alone(question, &one);
		rc = db_ask_all(db, &one, 1, mem);
	}
	return rc;
}

enum rc standing_only_workspace(
    struct span roles, struct db *db, struct arena *mem, uint64_t user_id, uint64_t *ret)
{
	struct db_value row[ONLY_COLUMNS], user = db_u(user_id);
	enum rc rc = db_one(db, &statements[WORKSPACES], DB_IN(user, user, db_s(roles)), mem, row);

	if (rc == RC_NOT_FOUND)
		rc = db_one(db, &statements[WORKSPACES_ALONE], DB_IN(user), mem, row);
	if (rc != RC_OK)
		return rc;
	if (row[AT_ONLY].type == DB_NULL)
		return RC_NOT_FOUND;
	if (row[AT_ONLY].u == 0)
		return RC_CONFLICT;
	*ret = row[AT_ONLY].u;
	return RC_OK;
}
