-- What the processes of an installation share: who is there, which secrets they sign with, and which log the
-- positions of the views belong to.

-- The processes that live. Each says so every few seconds by this server's clock.
create unlogged table nodes (
    id         uuid        not null,
    roles      text[]      not null,
    link       text        not null,
    started_at timestamptz not null default now(),
    beat_at    timestamptz not null default now(),
    constraint nodes_pkey primary key (id)
);

create index nodes_by_beat on nodes (beat_at);

-- Keys of the installation, by the name of their file in each process's directory of keys.
create table secrets (
    name     text        not null collate "C",
    bytes    bytea       not null,
    added_at timestamptz not null default now(),
    constraint secrets_pkey primary key (name),
    constraint secrets_size check (octet_length(bytes) between 1 and 65536)
);

-- The log that positions were drawn from: another one under the same name has another id and, once it is
-- adopted, a higher epoch.
create table log_epochs (
    topic      text        not null collate "C",
    topic_id   text        not null,
    epoch      integer     not null,
    adopted_at timestamptz not null default now(),
    constraint log_epochs_pkey primary key (topic),
    constraint log_epochs_epoch check (epoch between 1 and 524287)
);
