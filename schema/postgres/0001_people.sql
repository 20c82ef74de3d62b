-- People, their credentials, their sign-ins, whom they have as contacts, and who is gone.
-- Times are milliseconds since 1970: they come from records and tokens, never from this server's clock.

create table users (
    id            uuid    not null,
    phone         text    collate "C",
    username      text    collate "C",
    display_name  text    not null,
    avatar_url    text,
    password_hash text,
    role          text    not null,
    disabled      boolean not null,
    created_at    bigint  not null,
    last_seen     bigint,
    chosen_status text,
    privacy       jsonb   not null,
    constraint users_pkey primary key (id),
    constraint users_phone unique (phone),
    constraint users_username unique (username),
    constraint users_role check (role in ('USER', 'ADMIN')),
    constraint users_privacy check (jsonb_typeof(privacy) = 'object')
) with (fillfactor = 80); -- room beside each row: a last seen is then written without touching an index

-- Only sessions that were not ended; an expired one stays until it is pruned. The refresh token that works is
-- part of its session, so that trading it is the change of one row, and of two trades at once one finds it.
create table sessions (
    id           uuid   not null,
    user_id      uuid   not null,
    device_name  text,
    created_at   bigint not null,
    last_used_at bigint not null,
    expires_at   bigint not null,
    refresh      bytea,
    cookie       bytea,
    constraint sessions_pkey primary key (id),
    constraint sessions_user foreign key (user_id) references users (id) on delete cascade,
    constraint sessions_refresh unique (refresh),
    constraint sessions_cookie unique (cookie)
);

create index sessions_by_user on sessions (user_id, created_at desc, id desc);
create index sessions_by_expiry on sessions (expires_at);

-- Refresh tokens that were traded: one that comes again before it would have expired was stolen.
create table spent_tokens (
    hash       bytea  not null,
    session_id uuid   not null,
    expires_at bigint not null,
    constraint spent_tokens_pkey primary key (hash),
    constraint spent_tokens_session foreign key (session_id) references sessions (id) on delete cascade
);

create index spent_tokens_by_session on spent_tokens (session_id);
create index spent_tokens_by_expiry on spent_tokens (expires_at);

-- Sessions whose access tokens may still live although they were ended. No reference to a user: a deleted
-- person's tokens are refused too.
create table ended_sessions (
    id        uuid   not null,
    ended_at  bigint not null,
    forget_at bigint not null,
    constraint ended_sessions_pkey primary key (id)
);

create index ended_sessions_by_time on ended_sessions (ended_at);
create index ended_sessions_by_end on ended_sessions (forget_at);

-- One row for each contact of an owner. Both ends go with the person.
create table contacts (
    owner      uuid   not null,
    contact    uuid   not null,
    alias      text,
    created_at bigint not null,
    constraint contacts_pkey primary key (owner, contact),
    constraint contacts_owner foreign key (owner) references users (id) on delete cascade,
    constraint contacts_contact foreign key (contact) references users (id) on delete cascade
);

create index contacts_by_contact on contacts (contact, owner);

-- People who were deleted: nothing of them but the id, in the order in which they went. What they wrote is
-- erased from the conversations behind the deletion; until that is done, erased is false.
create table deleted_people (
    id         uuid    not null,
    went       bigint  generated always as identity,
    deleted_at bigint  not null,
    erased     boolean not null,
    constraint deleted_people_pkey primary key (id)
);

create index deleted_people_unerased on deleted_people (went) where not erased;
