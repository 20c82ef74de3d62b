//! `store::Profiles` on PostgreSQL: people, created with their accounts in one row. Contacts, creation and
//! tombstones have files of their own.

use super::news::tell_person;
use super::rows::{get, limit as bound, person, profile, uuids};
use super::{People, contacts, create, tombstones};
use async_trait::async_trait;
use schema::limits::POSTGRES_BATCH;
use schema::user::{PrivacyChange, PrivacySettings};
use schema::{DisplayName, SessionId, Timestamp, UserId};
use sqlx::query;
use std::collections::HashMap;
use store::Error;
use store::profiles::{Contact, Name, NewPerson, Profile, ProfileChange, Profiles, Put, Updated};

#[async_trait]
impl Profiles for People {
    async fn create(&self, people: Vec<NewPerson>) -> Result<Vec<Result<(), Error>>, Error> {
        create::create(self, &people).await
    }

    async fn find(&self, name: &Name) -> Result<Option<Profile>, Error> {
        const BY_ID: &str = concat!("select ", person!(), " from users where id = $1");
        const BY_USERNAME: &str = concat!("select ", person!(), " from users where username = $1");
        const BY_PHONE: &str = concat!("select ", person!(), " from users where phone = $1");
        let find = match name {
            Name::Id(user) => query(BY_ID).bind(user.0),
            Name::Username(username) => query(BY_USERNAME).bind(username.as_str()),
            Name::Phone(phone) => query(BY_PHONE).bind(phone.as_str()),
        };
        self.read(find).await?.first().map(profile).transpose()
    }

    async fn find_all(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, Error> {
        const FIND: &str = concat!("select ", person!(), " from users where id = any($1)");
        let mut found: HashMap<UserId, Profile> = HashMap::with_capacity(users.len());
        for some in users.chunks(POSTGRES_BATCH) {
            for row in &self.read(query(FIND).bind(uuids(some))).await? {
                let profile = profile(row)?;
                found.insert(profile.user_id, profile);
            }
        }
        Ok(users.iter().map(|user| found.get(user).cloned()).collect())
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<Profile>, Error> {
        const FIRST: &str = concat!("select ", person!(), " from users order by id limit $1");
        const NEXT: &str = concat!("select ", person!(), " from users where id > $2 order by id limit $1");
        let list = match after {
            None => query(FIRST).bind(bound(limit)),
            Some(user) => query(NEXT).bind(bound(limit)).bind(user.0),
        };
        self.read(list).await?.iter().map(profile).collect()
    }

    async fn update(&self, user: UserId, change: ProfileChange) -> Result<Option<Updated>, Error> {
        const UPDATE: &str = concat!(
            "with before as materialized (
                 select id as uid, username as former from users where id = $1 for update
             ), after as (
                 update users set display_name = coalesce($2, display_name),
                     username = case when $3 then $4 else username end,
                     avatar_url = case when $5 then $6 else avatar_url end
                 from before where id = uid returning users.*
             ), told as materialized (
                 select ",
            tell_person!("$7"),
            " from (select uid as id, former as username from before) as b
             )
             select ",
            person!(),
            ", former from after, before where (select count(*) from told) > 0"
        );
        let update = query(UPDATE)
            .bind(user.0)
            .bind(change.display_name.as_ref().map(|name| name.as_str()))
            .bind(change.username.is_some())
            .bind(change.username.as_ref().and_then(Option::as_ref).map(|name| name.as_str()))
            .bind(change.avatar_url.is_some())
            .bind(change.avatar_url.flatten().map(String::from))
            .bind(self.node());
        let rows = self.write(update).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let former = get::<Option<&str>>(row, "former")?;
        let former_username = former.map(str::parse).transpose();
        let former_username =
            former_username.map_err(|_| Error::Corrupt(format!("PostgreSQL: username holds {former:?}")))?;
        Ok(Some(Updated { former_username, profile: profile(row)? }))
    }

    async fn set_privacy(
        &self,
        user: UserId,
        change: &PrivacyChange,
    ) -> Result<Option<PrivacySettings>, Error> {
        const CHANGE: &str = concat!(
            "with changed as (
                 update users set privacy = privacy || $2::jsonb where id = $1 returning id, username, privacy
             )
             select privacy::text as privacy, ",
            tell_person!("$3"),
            " from changed"
        );
        let change = query(CHANGE).bind(user.0).bind(create::json(change)?).bind(self.node());
        let rows = self.write(change).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text: &str = get(row, "privacy")?;
        let privacy = serde_json::from_str(text);
        privacy
            .map(Some)
            .map_err(|cause| Error::Corrupt(format!("PostgreSQL: privacy holds {text:?}: {cause}")))
    }

    async fn set_last_seen(&self, seen: &[(UserId, Timestamp)]) -> Result<(), Error> {
        // Locked in the order of ids, so that processes that save at once do not wait in a circle.
        const SEE: &str = "
            with seen as materialized (
                select u as uid, max(t) as at from unnest($1::uuid[], $2::bigint[]) as s (u, t) group by u
            ), ours as materialized (
                select id as ours, at from users join seen on id = uid
                where last_seen is null or last_seen < at order by id for no key update of users
            )
            update users set last_seen = at from ours where id = ours";
        for some in seen.chunks(POSTGRES_BATCH) {
            let (users, times): (Vec<_>, Vec<_>) = some.iter().map(|(user, at)| (user.0, at.0)).unzip();
            self.write(query(SEE).bind(users).bind(times)).await?;
        }
        Ok(())
    }

    async fn set_chosen_status(&self, user: UserId, status: Option<&str>) -> Result<(), Error> {
        const CHOOSE: &str = concat!(
            "with changed as (update users set chosen_status = $2 where id = $1 returning id, username)
             select ",
            tell_person!("$3"),
            " from changed"
        );
        self.write(query(CHOOSE).bind(user.0).bind(status).bind(self.node())).await.map(drop)
    }

    async fn put_contact(&self, owner: UserId, contact: Contact, most: usize) -> Result<Put, Error> {
        contacts::put(self, owner, contact, most).await
    }

    async fn set_alias(
        &self,
        owner: UserId,
        contact: UserId,
        alias: Option<&DisplayName>,
    ) -> Result<Option<Contact>, Error> {
        contacts::set_alias(self, owner, contact, alias).await
    }

    async fn remove_contact(&self, owner: UserId, contact: UserId) -> Result<bool, Error> {
        contacts::remove(self, owner, contact).await
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Contact>, Error> {
        contacts::of(self, owner, after, limit).await
    }

    async fn contacted_by(
        &self,
        person: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, Error> {
        contacts::owners(self, person, after, limit).await
    }

    async fn are_contacts(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        contacts::are(self, pairs).await
    }

    async fn delete(&self, user: UserId) -> Result<Option<Vec<SessionId>>, Error> {
        tombstones::delete(self, user).await
    }

    async fn deleted(&self, users: &[UserId]) -> Result<Vec<bool>, Error> {
        tombstones::are(self, users).await
    }

    async fn unerased(&self, limit: usize) -> Result<Vec<UserId>, Error> {
        tombstones::unerased(self, limit).await
    }

    async fn set_erased(&self, user: UserId) -> Result<(), Error> {
        tombstones::set_erased(self, user).await
    }
}
