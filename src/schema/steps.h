/*
 * steps: the files of sql/, as text in the program (made by make).
 */
#ifndef WA_SCHEMA_STEPS_H
#define WA_SCHEMA_STEPS_H

extern const char schema_sql_001_accounts[];
extern const char schema_sql_002_relay[];
extern const char schema_sql_003_status[];
extern const char schema_sql_demo_tables[];
extern const char schema_sql_demo_rows[];

#endif
