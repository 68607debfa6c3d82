#include "base/board.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/now.h"

static const int statuses[BOARD_STATUSES] = {200, 201, 204, 302, 303, 400, 401, 403, 404, 405, 409,
    410, 413, 415, 419, 422, 429, 500, 502, 503, 0};

static const int64_t bucket_us[BOARD_BUCKETS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 500000, 1000000, 5000000, 0};

typedef _Atomic uint64_t counter;

struct route_counts {
	counter by_status[BOARD_STATUSES];
	counter by_bucket[BOARD_BUCKETS];
	counter total_us;
};

struct slot {
	alignas(64) _Atomic int state;
	_Atomic size_t route;
	_Atomic int64_t since_ms;
	counter metrics[METRIC_COUNT];
	struct route_counts routes[BOARD_SERIES];
	struct callers callers;
};

struct peer {
	_Atomic int breaker;
	_Atomic size_t under_way;
};

struct board {
	size_t slots;
	struct peer peers[BOARD_PEERS];
	alignas(64) _Atomic int64_t db_retry_at_ms; /* 0: believed well */
	_Atomic bool db_is_probed;
	_Atomic int unfit;
	struct slot slot[];
};

static size_t board_size(size_t slots)
{
	return sizeof(struct board) + slots * sizeof(struct slot);
}

struct board *board_create(size_t slots)
{
	struct board *board = mmap(
	    NULL, board_size(slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (board == MAP_FAILED)
		return NULL;
	board->slots = slots;
	return board;
}

void board_free(struct board *board)
{
	if (board != NULL)
		munmap(board, board_size(board->slots));
}

size_t board_slots(const struct board *board)
{
	return board->slots;
}

struct slot *board_slot(struct board *board, size_t index)
{
	return &board->slot[index];
}

const struct slot *board_slot_const(const struct board *board, size_t index)
{
	return &board->slot[index];
}

static uint64_t get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* One writer: no read-modify-write instruction is needed. */
static void add(counter *c, uint64_t n)
{
	atomic_store_explicit(c, get(c) + n, memory_order_relaxed);
}

void slot_count(struct slot *slot, enum metric metric)
{
	if (slot != NULL)
		add(&slot->metrics[metric], 1);
}

static size_t status_index(int status)
{
	size_t i = 0;

	while (i < BOARD_STATUSES - 1 && statuses[i] != status)
		i++;
	return i;
}

static size_t bucket_index(int64_t us)
{
	size_t i = 0;

	while (i < BOARD_BUCKETS - 1 && us > bucket_us[i])
		i++;
	return i;
}

void slot_count_request(struct slot *slot, size_t route, int status, int64_t duration_us)
{
	struct route_counts *counts = &slot->routes[route];

	add(&counts->by_status[status_index(status)], 1);
	add(&counts->by_bucket[bucket_index(duration_us)], 1);
	add(&counts->total_us, (uint64_t)duration_us);
}

void slot_count_caller(struct slot *slot, struct span caller, size_t route, bool is_stranger)
{
	callers_count(&slot->callers, caller, route, is_stranger);
}

static void set_state(struct slot *slot, enum board_state state)
{
	atomic_store_explicit(&slot->since_ms, now_monotonic_ms(), memory_order_relaxed);
	atomic_store_explicit(&slot->state, (int)state, memory_order_release);
}

void slot_busy(struct slot *slot, size_t route)
{
	atomic_store_explicit(&slot->route, route, memory_order_relaxed);
	set_state(slot, BOARD_BUSY);
}

void slot_idle(struct slot *slot)
{
	set_state(slot, BOARD_IDLE);
}

void slot_empty(struct slot *slot)
{
	set_state(slot, BOARD_EMPTY);
}

enum board_state slot_state(const struct slot *slot)
{
	return (enum board_state)atomic_load_explicit(&slot->state, memory_order_acquire);
}

int64_t slot_since_ms(const struct slot *slot)
{
	return now_monotonic_ms() - atomic_load_explicit(&slot->since_ms, memory_order_relaxed);
}

size_t slot_route(const struct slot *slot)
{
	return atomic_load_explicit(&slot->route, memory_order_relaxed);
}

uint64_t board_sum(const struct board *board, enum metric metric)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < board->slots; i++)
		sum += get(&board->slot[i].metrics[metric]);
	return sum;
}

void board_sum_route(const struct board *board, size_t route, struct board_route *ret)
{
	*ret = (struct board_route){0};
	for (size_t i = 0; i < board->slots; i++) {
		const struct route_counts *counts = &board->slot[i].routes[route];

		for (size_t k = 0; k < BOARD_STATUSES; k++)
			ret->by_status[k] += get(&counts->by_status[k]);
		for (size_t k = 0; k < BOARD_BUCKETS; k++)
			ret->by_bucket[k] += get(&counts->by_bucket[k]);
		ret->total_us += get(&counts->total_us);
	}
}

void board_sum_callers(const struct board *board, struct callers_sum *ret)
{
	callers_sum_init(ret);
	for (size_t i = 0; i < board->slots; i++)
		callers_sum_add(ret, &board->slot[i].callers);
}

int board_status_at(size_t index)
{
	return statuses[index];
}

int64_t board_bucket_us(size_t index)
{
	return bucket_us[index];
}

void board_set_peer(struct board *board, size_t peer, struct board_peer state)
{
	atomic_store_explicit(&board->peers[peer].breaker, state.breaker, memory_order_relaxed);
	atomic_store_explicit(&board->peers[peer].under_way, state.under_way, memory_order_relaxed);
}

struct board_peer board_peer(const struct board *board, size_t peer)
{
	return (struct board_peer){
	    atomic_load_explicit(&board->peers[peer].breaker, memory_order_relaxed),
	    atomic_load_explicit(&board->peers[peer].under_way, memory_order_relaxed),
	};
}

bool board_db_may_try(struct board *board, int64_t pause_ms)
{
	int64_t retry_at, now;

	retry_at = atomic_load_explicit(&board->db_retry_at_ms, memory_order_relaxed);
	if (retry_at == 0)
		return true;
	now = now_monotonic_ms();
	if (now < retry_at ||
	    !atomic_compare_exchange_strong(&board->db_retry_at_ms, &retry_at, now + pause_ms))
		return false;
	atomic_store(&board->db_is_probed, true);
	return true;
}

bool board_db_is_probed(const struct board *board)
{
	return atomic_load_explicit(&board->db_is_probed, memory_order_relaxed);
}

void board_db_failed(struct board *board, int64_t pause_ms)
{
	atomic_store(&board->db_retry_at_ms, now_monotonic_ms() + pause_ms);
	atomic_store(&board->db_is_probed, false);
}

void board_db_well(struct board *board)
{
	if (atomic_load_explicit(&board->db_retry_at_ms, memory_order_relaxed) == 0)
		return;
	atomic_store(&board->db_retry_at_ms, 0);
	atomic_store(&board->db_is_probed, false);
}

int board_set_unfit(struct board *board, int why)
{
	int before = atomic_load_explicit(&board->unfit, memory_order_relaxed);

	return before == why ? before : atomic_exchange(&board->unfit, why);
}

int board_unfit(const struct board *board)
{
	return atomic_load_explicit(&board->unfit, memory_order_relaxed);
}
