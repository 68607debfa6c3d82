#include "app/doors.h"

#include "base/now.h"

struct login *doors_login(const struct settings *s)
{
	return login_create(&(struct login_options){
	    .app_key = s->app_key,
	    .app_previous_keys = s->app_previous_keys,
	    .cookie = s->session_cookie,
	    .app_name = s->app_name,
	    .guards = s->guard,
	    .encrypted = s->session_encrypt,
	    .store =
		{
		    .driver =
			s->session_driver == CONF_SESSION_FILE ? SESSION_FILE : SESSION_DATABASE,
		    .table = s->session_table,
		    .folder = s->session_files,
		},
	    .attributes =
		{
		    .path = s->session_path,
		    .domain = s->session_domain,
		    .same_site = s->session_same_site,
		    .lifetime_s = s->session_lifetime_min * 60,
		    .expire_on_close = s->session_expire_on_close,
		    .http_only = s->session_http_only,
		    .secure = s->session_secure_cookie == CONF_SECURE_ON    ? COOKIE_SECURE_ON
			      : s->session_secure_cookie == CONF_SECURE_OFF ? COOKIE_SECURE_OFF
									    : COOKIE_SECURE_AUTO,
		},
	});
}

struct account_limits doors_limits(const struct settings *s)
{
	return (struct account_limits){
	    .max_connected = s->max_accounts,
	    .connect_deadline_us = (int64_t)s->connect_deadline_s * US_PER_S,
	    .phone_optional = !s->require_phone,
	};
}

enum rc doors_open(const struct settings *s, struct guard *ret)
{
	*ret = (struct guard){
	    .signature =
		signature_create(s->hmac_secret, s->hmac_previous_secrets, s->signature_ttl_s),
	    .login = doors_login(s),
	    .bearer = {.user_model = s->user_model, .workspace_keys = s->workspace_keys},
	    .api_key = s->node_api_key_in ? s->node_api_key : (struct span){0},
	    .roles = s->roles,
	    .trusts_sessions = s->membership == CONF_MEMBERSHIP_SESSION,
	};
	return ret->signature != NULL && ret->login != NULL ? RC_OK : RC_INTERNAL;
}

void doors_close(struct guard *guard)
{
	signature_free(guard->signature);
	login_free(guard->login);
}
