-- The part of Laravel's tables that the accounts hang on, for a database
-- without Laravel: demonstrations and tests.  Beside a real application these
-- exist already, and nothing here is run.

CREATE TABLE IF NOT EXISTS users (
	id bigint unsigned NOT NULL AUTO_INCREMENT,
	first_name varchar(191) NULL,
	email varchar(191) NOT NULL,
	password varchar(255) NULL,
	created_at timestamp NULL DEFAULT NULL,
	updated_at timestamp NULL DEFAULT NULL,
	deleted_at timestamp NULL DEFAULT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY users_email_unique (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS workspaces (
	id bigint unsigned NOT NULL AUTO_INCREMENT,
	name varchar(191) NOT NULL,
	created_by bigint unsigned NOT NULL,
	metadata longtext NULL,
	created_at timestamp NULL DEFAULT NULL,
	updated_at timestamp NULL DEFAULT NULL,
	deleted_at timestamp NULL DEFAULT NULL,
	PRIMARY KEY (id),
	KEY workspaces_created_by_index (created_by)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS teams (
	id bigint unsigned NOT NULL AUTO_INCREMENT,
	user_id bigint unsigned NOT NULL,
	workspace_id bigint unsigned NOT NULL,
	role varchar(32) NOT NULL,
	status varchar(32) NOT NULL DEFAULT 'active',
	created_at timestamp NULL DEFAULT NULL,
	updated_at timestamp NULL DEFAULT NULL,
	deleted_at timestamp NULL DEFAULT NULL,
	PRIMARY KEY (id),
	KEY teams_user_id_workspace_id_index (user_id, workspace_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS sessions (
	id varchar(255) NOT NULL,
	user_id bigint unsigned NULL,
	ip_address varchar(45) NULL,
	user_agent text NULL,
	payload longtext NOT NULL,
	last_activity int NOT NULL,
	PRIMARY KEY (id),
	KEY sessions_user_id_index (user_id),
	KEY sessions_last_activity_index (last_activity)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_ci;
