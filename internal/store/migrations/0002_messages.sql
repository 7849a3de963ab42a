-- What people write to each other, as each of them sees it, and how their devices learn of it.
-- peer is a user's id, a basic group's negated, or a channel's negated and 10^12 below.

-- One row for each copy of a message. id is the account's pts when the message came, so that
-- "messages after pts N" is a range of the key; twin is the id of the other person's copy, 0 if there
-- is none. flags: 1 outgoing, 2 silent, 4 not to be forwarded, 8 sent by the server.
-- extra is JSON: entities, reply, forward. random is the sender's random_id, 0 in other copies.
CREATE TABLE messages (
    account BIGINT   NOT NULL,
    id      BIGINT   NOT NULL,
    peer    BIGINT   NOT NULL DEFAULT 0,
    twin    BIGINT   NOT NULL DEFAULT 0,
    sender  BIGINT   NOT NULL DEFAULT 0,
    date    BIGINT   NOT NULL DEFAULT 0,
    edited  BIGINT   NOT NULL DEFAULT 0,
    flags   BIGINT   NOT NULL DEFAULT 0,
    body    TEXT     NOT NULL DEFAULT '',
    extra   TEXT     NOT NULL DEFAULT '',
    random  BIGINT   NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
);
CREATE INDEX messages_peer ON messages (account, peer, id);
CREATE UNIQUE INDEX messages_random ON messages (account, random) WHERE random <> 0;

-- A conversation as its owner sees it: the newest message, and up to where either side has read.
CREATE TABLE dialogs (
    account  BIGINT   NOT NULL,
    peer     BIGINT   NOT NULL,
    top      BIGINT   NOT NULL DEFAULT 0,
    read_in  BIGINT   NOT NULL DEFAULT 0,
    read_out BIGINT   NOT NULL DEFAULT 0,
    unread   BIGINT   NOT NULL DEFAULT 0,
    marked   SMALLINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, peer)
);
CREATE INDEX dialogs_top ON dialogs (account, top);

-- What happened to an account other than a new message. data is JSON.
CREATE TABLE events (
    account BIGINT   NOT NULL,
    pts     BIGINT   NOT NULL,
    count   BIGINT   NOT NULL DEFAULT 1,
    date    BIGINT   NOT NULL DEFAULT 0,
    kind    TEXT     NOT NULL DEFAULT '',
    data    TEXT     NOT NULL DEFAULT '',
    PRIMARY KEY (account, pts)
);

-- Address books: contact is somebody's account.
CREATE TABLE contacts (
    account    BIGINT NOT NULL,
    contact    BIGINT NOT NULL,
    first_name TEXT   NOT NULL DEFAULT '',
    last_name  TEXT   NOT NULL DEFAULT '',
    note       TEXT   NOT NULL DEFAULT '',
    added      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, contact)
);
CREATE INDEX contacts_contact ON contacts (contact, account);

CREATE TABLE blocked (
    account BIGINT NOT NULL,
    peer    BIGINT NOT NULL,
    date    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, peer)
);

-- Public names are searched by their beginning, which is a range only in the order of bytes.
-- only: postgres
ALTER TABLE usernames ALTER COLUMN name TYPE TEXT COLLATE "C";
-- both
