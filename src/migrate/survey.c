#include "survey.h"

#include "definition.h"
#include "migration.h"

enum { TABLES, COLUMNS, CHILDREN, PARENTS };

#define FOREIGN \
	"SELECT k.table_schema, k.table_name, k.column_name, k.constraint_name," \
	" k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule" \
	" FROM information_schema.key_column_usage AS k" \
	" JOIN information_schema.referential_constraints AS r" \
	" ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name" \
	" AND r.table_name = k.table_name"

// clang-format off
static const struct db_statement statements[] = {
	[TABLES] = {"migrate.tables",
		"SELECT table_name, engine, table_type = 'SYSTEM VERSIONED' OR create_options LIKE '%partitioned%',"
		" COALESCE(table_rows, 0), COALESCE(data_length + index_length, 0) FROM information_schema.tables"
		" WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
		" ORDER BY table_name",
		"ssuuu", DB_READ},
	[COLUMNS] = {"migrate.columns",
		"SELECT column_name, data_type, column_type, character_set_name, collation_name,"
		" COALESCE(character_maximum_length, 0), is_nullable = 'YES', column_default IS NOT NULL,"
		" is_generated = 'ALWAYS', extra LIKE '%on update%', extra LIKE '%auto_increment%'"
		" FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?"
		" ORDER BY ordinal_position",
		"sssssuuuuuu", DB_READ},
	[CHILDREN] = {"migrate.children",
		FOREIGN " WHERE k.referenced_table_schema = DATABASE()"
		" AND k.referenced_table_name IN ('" SESSIONS "', '" ACCOUNTS "')"
		" ORDER BY 1, 2, 3", "ssssssss", DB_READ},
	[PARENTS] = {"migrate.parents",
		FOREIGN " WHERE k.table_schema = DATABASE() AND k.table_name IN ('" SESSIONS "', '" ACCOUNTS "')"
		" AND k.referenced_table_name IS NOT NULL ORDER BY 2, 3", "ssssssss", DB_READ},
};
// clang-format on

enum { ROWS_FIRST = 32 };

/* Rows of a kind, as they come. */
struct list {
	struct arena *mem;
	void *rows;
	size_t size, count, room;
};

static void *append(struct list *list)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? list->room * 2 : ROWS_FIRST;
		char *rows = arena_alloc(list->mem, room * list->size);

		if (list->count > 0)
			memcpy(rows, list->rows, list->count * list->size);
		list->rows = rows;
		list->room = room;
	}
	return (char *)list->rows + list->count++ * list->size;
}

static struct span copy(struct list *list, const struct db_value *value)
{
	return value->s.ptr != NULL ? arena_copy(list->mem, value->s) : (struct span){0};
}

static enum rc add_table(void *ctx, const struct db_value *row)
{
	struct table *table = append(ctx);

	*table = (struct table){
	    copy(ctx, &row[0]), copy(ctx, &row[1]), row[2].u != 0, row[3].u, row[4].u};
	return RC_OK;
}

static enum rc add_column(void *ctx, const struct db_value *row)
{
	struct column *column = append(ctx);

	*column = (struct column){
	    .name = copy(ctx, &row[0]),
	    .data_type = copy(ctx, &row[1]),
	    .type = copy(ctx, &row[2]),
	    .charset = copy(ctx, &row[3]),
	    .collation = copy(ctx, &row[4]),
	    .chars = row[5].u,
	    .is_nullable = row[6].u != 0,
	    .has_default = row[7].u != 0,
	    .is_generated = row[8].u != 0,
	    .updates_itself = row[9].u != 0,
	    .counts = row[10].u != 0,
	};
	return RC_OK;
}

static enum rc add_foreign(void *ctx, const struct db_value *row)
{
	struct foreign *foreign = append(ctx);

	*foreign = (struct foreign){copy(ctx, &row[0]), copy(ctx, &row[1]), copy(ctx, &row[2]),
	    copy(ctx, &row[3]), copy(ctx, &row[4]), copy(ctx, &row[5]), copy(ctx, &row[6]),
	    copy(ctx, &row[7])};
	return RC_OK;
}

enum rc survey_columns_of(struct migration *m, const struct db_statement *statement,
    const struct db_value *in, size_t n_in, struct columns *ret)
{
	struct list list = {.mem = m->mem, .size = sizeof(struct column)};
	enum rc rc = db_each(m->db, statement, in, n_in, m->scratch, add_column, &list);

	if (rc == RC_OK || rc == RC_NOT_FOUND)
		*ret = (struct columns){list.rows, list.count};
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc survey_columns(struct migration *m, const char *table, struct columns *ret)
{
	return survey_columns_of(m, &statements[COLUMNS], DB_IN(db_text(table)), ret);
}

static enum rc read_foreigns(
    struct migration *m, int which, struct foreign **ret, size_t *ret_count)
{
	struct list list = {.mem = m->mem, .size = sizeof(struct foreign)};
	enum rc rc = db_each(m->db, &statements[which], DB_NONE, m->scratch, add_foreign, &list);

	if (rc == RC_OK) {
		*ret = list.rows;
		*ret_count = list.count;
	}
	return rc;
}

enum rc survey_read(struct migration *m, struct survey *ret)
{
	struct survey survey = {0};
	struct list list = {.mem = m->mem, .size = sizeof(struct table)};
	enum rc rc = db_each(m->db, &statements[TABLES], DB_NONE, m->scratch, add_table, &list);

	survey.tables = list.rows;
	survey.table_count = list.count;
	if (rc == RC_OK)
		rc = survey_columns(m,
		    survey_table(&survey, SESSIONS) != NULL ? SESSIONS : ACCOUNTS, &survey.columns);
	if (rc == RC_OK)
		rc = read_foreigns(m, CHILDREN, &survey.children, &survey.child_count);
	if (rc == RC_OK)
		rc = read_foreigns(m, PARENTS, &survey.parents, &survey.parent_count);
	if (rc == RC_OK)
		*ret = survey;
	return rc;
}

enum rc survey_again(struct migration *m)
{
	return survey_read(m, &m->survey);
}

bool survey_names_id(
    const struct survey *survey, const struct foreign *foreign, const char *database)
{
	size_t columns = 0;

	for (size_t i = 0; i < survey->child_count; i++) {
		const struct foreign *f = &survey->children[i];

		columns += span_eq(f->schema, foreign->schema) &&
			   span_eq(f->table, foreign->table) && span_eq(f->name, foreign->name);
	}
	return columns == 1 && span_eq_nocase(foreign->parent_column, SPAN_OF("id")) &&
	       span_is(foreign->schema, database);
}

const struct table *survey_table(const struct survey *survey, const char *name)
{
	for (size_t i = 0; i < survey->table_count; i++)
		if (span_eq_nocase(survey->tables[i].name, span_of(name)))
			return &survey->tables[i];
	return NULL;
}

const struct column *survey_column(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (span_eq_nocase(columns->rows[i].name, span_of(name)))
			return &columns->rows[i];
	return NULL;
}

void survey_put_unchanged(struct buf *b, const struct columns *columns, const char *alias)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (!columns->rows[i].updates_itself)
			continue;
		buf_putf(b, ", %s.", alias);
		definition_put_name(b, columns->rows[i].name);
		buf_putf(b, " = %s.", alias);
		definition_put_name(b, columns->rows[i].name);
	}
}
