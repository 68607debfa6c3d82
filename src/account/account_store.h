/*
 * account_store: the accounts' SQL, tables of statements.
 */
#ifndef WA_ACCOUNT_ACCOUNT_STORE_H
#define WA_ACCOUNT_ACCOUNT_STORE_H

#include "account/account_rules.h"

/* What a caller calls an account. */
enum account_ref_kind { REF_UUID, REF_ID, REF_SESSION, REF_KINDS };

/* RC_NOT_FOUND also for what cannot be a name of that kind. */
enum rc account_store_find(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret) MUST_CHECK;
/* With its names, and also among the deleted ones. */
enum rc account_store_find_any(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct account *ret) MUST_CHECK;
/*
 * With all that a change needs, and the row locked until the transaction
 * ends; also a deleted one.  `qr_code` (may be absent) is compared with the
 * row's.
 */
enum rc account_store_lock(struct db *db, struct arena *mem, enum account_ref_kind kind,
    struct span ref, struct span qr_code, struct account *ret) MUST_CHECK;

/* Before any account of the workspace is locked, when two of them may be touched. */
enum rc account_store_lock_workspace(
    struct db *db, struct arena *mem, uint64_t workspace_id) MUST_CHECK;
/* The live accounts of the workspace but the one with this id; `phone_digits` may be empty. */
enum rc account_store_surroundings(struct db *db, struct arena *mem, uint64_t workspace_id,
    uint64_t id, struct span phone_digits, struct account_surroundings *ret) MUST_CHECK;
/*
 * Who becomes primary after the one that leaves: the id of the connected
 * account that connected last.  RC_NOT_FOUND: none is connected.
 */
enum rc account_store_successor(
    struct db *db, struct arena *mem, uint64_t workspace_id, uint64_t *ret) MUST_CHECK;

/* Pairings that were to end before `now_us`, at most ACCOUNT_OVERDUE_PAGE. */
enum rc account_store_overdue(struct db *db, struct arena *mem, int64_t now_us,
    uint64_t ret[static ACCOUNT_OVERDUE_PAGE], size_t *ret_count) MUST_CHECK;
enum rc account_store_assign(struct db *db, uint64_t id, struct span instance_url) MUST_CHECK;
/* Each to the instance that the other one was assigned to, or to none. */
enum rc account_store_swap_instances(struct db *db, uint64_t id, uint64_t other) MUST_CHECK;

enum rc account_store_change(
    struct db *db, const struct account_change *change, int64_t now_us) MUST_CHECK;
/* The workspace's primary account, unless it is this one, is so no longer. */
enum rc account_store_demote(
    struct db *db, uint64_t workspace_id, uint64_t id, int64_t now_us) MUST_CHECK;
/* ret->id is written. */
enum rc account_store_insert(struct db *db, struct arena *mem, struct account *account,
    uint64_t created_by, int64_t now_us) MUST_CHECK;

#endif
