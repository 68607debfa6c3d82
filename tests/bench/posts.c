/*
 * posts: the floor of the relay: the same requests by the same curl handle,
 * without a database.
 *
 *   posts URL COUNT AT_ONCE BODY
 *
 * prints how many microseconds it took.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/now.h"
#include "net/fetch.h"

struct posts {
	struct fetcher *fetcher;
	struct fetch_request request;
	unsigned long left, failed;
};

static void begin(struct posts *posts);

static void ended(void *ctx, const struct fetch_reply *reply)
{
	struct posts *posts = ctx;

	posts->failed += fetch_classify(reply) != FETCH_FINE;
	if (posts->left > 0)
		begin(posts);
}

static void begin(struct posts *posts)
{
	posts->left--;
	if (fetch_begin(posts->fetcher, &posts->request, ended, posts) != RC_OK)
		posts->failed++;
}

int main(int argc, char **argv)
{
	struct posts posts = {.fetcher = fetcher_create(NULL)};
	int64_t began_us = now_monotonic_us();

	if (argc != 5 || posts.fetcher == NULL)
		return EXIT_FAILURE;
	posts.request = (struct fetch_request){
	    .method = "POST",
	    .url = span_of(argv[1]),
	    .body = span_of(argv[4]),
	    .timeout_ms = 5000,
	    .reply_max = 4096,
	};
	posts.left = strtoul(argv[2], NULL, 10);
	for (unsigned long n = strtoul(argv[3], NULL, 10); n > 0 && posts.left > 0; n--)
		begin(&posts);
	while (fetcher_under_way(posts.fetcher) > 0) {
		fetcher_wait(posts.fetcher, -1, 1000);
		fetcher_turn(posts.fetcher);
	}
	printf("%lld\n", (long long)(now_monotonic_us() - began_us));
	fetcher_free(posts.fetcher);
	return posts.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
