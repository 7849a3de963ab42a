-- Accounts, the devices they are signed in on, and what it takes to sign in.
-- Times are Unix seconds, 0 for never. Secrets are sealed or hashed under the master key.

-- One row for each account; a deleted one keeps its row, emptied, so that its id is never reused.
CREATE TABLE accounts (
    id           BIGINT   NOT NULL PRIMARY KEY,
    phone        TEXT     NOT NULL DEFAULT '',
    first_name   TEXT     NOT NULL DEFAULT '',
    last_name    TEXT     NOT NULL DEFAULT '',
    about        TEXT     NOT NULL DEFAULT '',
    username     TEXT     NOT NULL DEFAULT '',
    created      BIGINT   NOT NULL DEFAULT 0,
    deleted      BIGINT   NOT NULL DEFAULT 0,
    pts          BIGINT   NOT NULL DEFAULT 1,
    seen         BIGINT   NOT NULL DEFAULT 0,
    ttl_days     BIGINT   NOT NULL DEFAULT 548,
    session_days BIGINT   NOT NULL DEFAULT 180
);

INSERT INTO accounts (id, first_name) VALUES (777000, 'Chappe');

-- Numbers: of accounts, and (account 0) handed out and not signed up yet. code is the sealed first
-- login code of a number handed out, expires when it falls back to the pool.
CREATE TABLE numbers (
    phone   TEXT   NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL DEFAULT 0,
    code    BYTEA  NOT NULL,
    expires BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX numbers_expires ON numbers (expires);

-- Public names, lower case: of accounts (kind 1) and channels (kind 2). A name that was given up
-- (released) still leads to its owner and is kept from others for a year.
CREATE TABLE usernames (
    name     TEXT     NOT NULL PRIMARY KEY,
    kind     SMALLINT NOT NULL DEFAULT 0,
    owner    BIGINT   NOT NULL DEFAULT 0,
    released BIGINT   NOT NULL DEFAULT 0
);
CREATE INDEX usernames_owner ON usernames (kind, owner);

-- Authorization keys. expires is 0 for permanent ones; perm is the permanent key that a temporary
-- one is bound to.
CREATE TABLE auth_keys (
    id      BIGINT NOT NULL PRIMARY KEY,
    sealed  BYTEA  NOT NULL,
    created BIGINT NOT NULL DEFAULT 0,
    expires BIGINT NOT NULL DEFAULT 0,
    perm    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX auth_keys_perm ON auth_keys (perm);
CREATE INDEX auth_keys_expires ON auth_keys (expires);

-- Devices, by permanent key: signed in (account), or waiting for a password (pending). parent is
-- the device that handed its login to this one, 0 for a login of its own; deletion is the date from
-- which the account goes because this device asked for it and could not give the password.
CREATE TABLE devices (
    key            BIGINT   NOT NULL PRIMARY KEY,
    account        BIGINT   NOT NULL DEFAULT 0,
    pending        BIGINT   NOT NULL DEFAULT 0,
    parent         BIGINT   NOT NULL DEFAULT 0,
    hash           BIGINT   NOT NULL DEFAULT 0,
    layer          BIGINT   NOT NULL DEFAULT 0,
    api_id         BIGINT   NOT NULL DEFAULT 0,
    device_model   TEXT     NOT NULL DEFAULT '',
    system_version TEXT     NOT NULL DEFAULT '',
    app_version    TEXT     NOT NULL DEFAULT '',
    system_lang    TEXT     NOT NULL DEFAULT '',
    lang_pack      TEXT     NOT NULL DEFAULT '',
    lang_code      TEXT     NOT NULL DEFAULT '',
    created        BIGINT   NOT NULL DEFAULT 0,
    active         BIGINT   NOT NULL DEFAULT 0,
    ip             TEXT     NOT NULL DEFAULT '',
    qts            BIGINT   NOT NULL DEFAULT 0,
    unconfirmed    SMALLINT NOT NULL DEFAULT 0,
    no_secret      SMALLINT NOT NULL DEFAULT 0,
    no_calls       SMALLINT NOT NULL DEFAULT 0,
    deletion       BIGINT   NOT NULL DEFAULT 0
);
CREATE INDEX devices_account ON devices (account);
CREATE INDEX devices_pending ON devices (pending);
CREATE INDEX devices_parent ON devices (parent);
CREATE INDEX devices_addressed ON devices (active) WHERE ip <> '';
CREATE INDEX devices_deletion ON devices (deletion) WHERE deletion > 0;

-- Login codes under way, one for each auth.sendCode. verified says that the right code was given
-- and only the name is missing.
CREATE TABLE login_codes (
    phone    TEXT     NOT NULL,
    hash     TEXT     NOT NULL,
    mac      BYTEA    NOT NULL,
    sealed   BYTEA    NOT NULL,
    created  BIGINT   NOT NULL DEFAULT 0,
    expires  BIGINT   NOT NULL DEFAULT 0,
    tries    BIGINT   NOT NULL DEFAULT 0,
    way      BIGINT   NOT NULL DEFAULT 0,
    verified SMALLINT NOT NULL DEFAULT 0,
    PRIMARY KEY (phone, hash)
);
CREATE INDEX login_codes_expires ON login_codes (expires);

-- QR logins under way: one for each device that shows a code; account is who accepted it.
CREATE TABLE login_tokens (
    key     BIGINT NOT NULL PRIMARY KEY,
    mac     BYTEA  NOT NULL UNIQUE,
    expires BIGINT NOT NULL DEFAULT 0,
    account BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX login_tokens_expires ON login_tokens (expires);

-- Logins on their way from one key of an account to another.
CREATE TABLE exports (
    account BIGINT NOT NULL,
    mac     BYTEA  NOT NULL,
    parent  BIGINT NOT NULL DEFAULT 0,
    expires BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, mac)
);
CREATE INDEX exports_expires ON exports (expires);

-- Invite links; uses is how many numbers are left in one, expires 0 is never.
CREATE TABLE invites (
    mac     BYTEA  NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL DEFAULT 0,
    expires BIGINT NOT NULL DEFAULT 0,
    uses    BIGINT NOT NULL DEFAULT 0
);

-- Second factors: the sealed verifier, salts and hint; wrong tries in a row and the date of the last;
-- the date from which a reset that was asked for may happen.
CREATE TABLE passwords (
    account BIGINT NOT NULL PRIMARY KEY,
    sealed  BYTEA  NOT NULL,
    changed BIGINT NOT NULL DEFAULT 0,
    fails   BIGINT NOT NULL DEFAULT 0,
    failed  BIGINT NOT NULL DEFAULT 0,
    reset   BIGINT NOT NULL DEFAULT 0
);

-- Addresses that codes are mailed to, by account and purpose (1 login, 2 recovery of the password).
-- mac is of the code that was sent to it and not used yet, or empty.
CREATE TABLE emails (
    account  BIGINT   NOT NULL,
    purpose  SMALLINT NOT NULL,
    proven   SMALLINT NOT NULL DEFAULT 0,
    address  BYTEA    NOT NULL,
    mac      BYTEA    NOT NULL,
    expires  BIGINT   NOT NULL DEFAULT 0,
    tries    BIGINT   NOT NULL DEFAULT 0,
    PRIMARY KEY (account, purpose, proven)
);

-- What was done how often, for limits that a restart must not lift; at is in microseconds.
CREATE TABLE attempts (
    subject TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (subject, at)
);
CREATE INDEX attempts_at ON attempts (at);
