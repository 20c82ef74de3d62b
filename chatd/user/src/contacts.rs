//! `/api/users/me/contacts`: whom the caller knows. Being in somebody's contacts shows what they show to contacts;
//! that the caller has somebody in theirs tells that person nothing.

use crate::lookup::{phone_name, username_name};
use crate::view::{Viewer, view};
use crate::{Users, nobody};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use edge::{Caller, Json, Lookup, Problem, Query};
use schema::api::{Contact, ContactChange, Contacts, NewContact};
use schema::{Code, Timestamp, UserId};
use serde::Deserialize;
use std::sync::Arc;
use store::profiles::{Contact as Row, Name, Profile, Put};

/// What a list cursor's signature covers besides its bytes.
const PURPOSE: &str = "contacts";
/// The three ways to name a new contact.
const ONE: &str = "exactly one of userId, username and phoneNumber";

/// Which page of the list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// 1-200, 50 unless told.
    limit: Option<usize>,
    /// `nextCursor` of an earlier page.
    cursor: Option<String>,
}

/// The caller's contacts in the order of their ids, each as far as the caller may see them.
#[utoipa::path(
    get,
    operation_id = "contacts",
    path = "/api/users/me/contacts",
    tag = "users",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of contacts", body = Contacts),
        (status = 400, description = "A limit out of bounds, or no cursor of this list", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
    )
)]
pub(crate) async fn list(
    State(users): State<Users>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Contacts>, Problem> {
    let limit = users.limit(query.limit)?;
    let after = query.cursor.map(|cursor| users.place(caller.user, &cursor)).transpose()?;
    let mut rows = users.profiles().contacts(caller.user, after, limit + 1).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|last| last.user_id);
    let next_cursor = last.map(|last| users.0.parts.signer.seal(caller.user, PURPOSE, last.as_bytes()));
    Ok(Json(Contacts { contacts: users.shown(caller.user, rows).await?, next_cursor }))
}

/// Puts somebody among the caller's contacts. Who is there already stays, and takes the alias if there is one.
#[utoipa::path(
    post,
    operation_id = "add_contact",
    path = "/api/users/me/contacts",
    tag = "users",
    request_body = NewContact,
    responses(
        (status = 201, description = "The new contact", body = Contact),
        (status = 200, description = "The contact, who was there before", body = Contact),
        (status = 400, description = "No name or more than one, oneself, or one contact too many", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name", body = schema::api::Problem),
        (status = 429, description = "Too many look-ups", body = schema::api::Problem),
    )
)]
pub(crate) async fn add(
    State(users): State<Users>,
    caller: Caller,
    _lookup: Lookup,
    Json(body): Json<NewContact>,
) -> Result<(StatusCode, Json<Contact>), Problem> {
    let (field, found) = wanted(&body)?;
    let profile = users.profiles().find(&found).await?.ok_or_else(nobody)?;
    if profile.user_id == caller.user {
        return Err(Problem::field(field, "is your own", "somebody else"));
    }
    let row = Row { user_id: profile.user_id, alias: body.alias, created_at: Timestamp::now() };
    let (owner, most, profiles) = (caller.user, users.0.config.contacts, Arc::clone(&users.0.parts.profiles));
    let work = async move { profiles.put_contact(owner, row, most).await };
    let (status, row) = match users.change(owner, work, |_| None).await? {
        Put::Added(row) => (StatusCode::CREATED, row),
        Put::Changed(row) => (StatusCode::OK, row),
        Put::Full => {
            let bound = format!("{most} contacts; remove one first");
            return Err(Problem::field(field, "would be one contact too many", bound));
        }
        Put::Unknown => return Err(nobody()),
    };
    let knows_phone = matches!(found, Name::Phone(_));
    let user = users.show(&caller, profile, knows_phone).await?;
    Ok((status, Json(Contact { user, alias: row.alias, created_at: row.created_at })))
}

/// Gives a contact another alias, or with null none.
#[utoipa::path(
    put,
    operation_id = "rename_contact",
    path = "/api/users/me/contacts/{id}",
    tag = "users",
    params(("id" = String, Path, description = "A user id or a username")),
    request_body = ContactChange,
    responses(
        (status = 200, description = "The contact, changed", body = Contact),
        (status = 400, description = "The alias breaks its rule or is missing", body = schema::api::Problem),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name, or no contact", body = schema::api::Problem),
    )
)]
pub(crate) async fn rename(
    State(users): State<Users>,
    caller: Caller,
    Path(id): Path<String>,
    Json(change): Json<ContactChange>,
) -> Result<Json<Contact>, Problem> {
    let profile = users.named(&id).await?;
    let row = users.profiles().set_alias(caller.user, profile.user_id, change.alias.as_ref()).await?;
    let row = row.ok_or_else(|| Problem::new(Code::NotFound, "there is no such contact of yours"))?;
    let user = users.show(&caller, profile, false).await?;
    Ok(Json(Contact { user, alias: row.alias, created_at: row.created_at }))
}

/// Takes somebody out of the caller's contacts. May be repeated.
#[utoipa::path(
    delete,
    operation_id = "remove_contact",
    path = "/api/users/me/contacts/{id}",
    tag = "users",
    params(("id" = String, Path, description = "A user id or a username")),
    responses(
        (status = 204, description = "No contact of the caller's any more"),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 404, description = "Nobody of that name", body = schema::api::Problem),
    )
)]
pub(crate) async fn remove(
    State(users): State<Users>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let contact = users.named(&id).await?.user_id;
    let (owner, profiles) = (caller.user, Arc::clone(&users.0.parts.profiles));
    let work = async move { profiles.remove_contact(owner, contact).await };
    users.change(owner, work, |_| None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom the body names, and the field that does.
fn wanted(body: &NewContact) -> Result<(&'static str, Name), Problem> {
    match (&body.user_id, &body.username, &body.phone_number) {
        (Some(text), None, None) => Name::of(text)
            .map(|name| ("userId", name))
            .ok_or_else(|| Problem::field("userId", "is neither", "a user id or a username")),
        (None, Some(username), None) => Ok(("username", username_name(username)?)),
        (None, None, Some(phone)) => Ok(("phoneNumber", phone_name(phone)?)),
        (None, None, None) => Err(Problem::field("userId", "is missing", ONE)),
        (Some(_), Some(_), _) => Err(Problem::field("username", "comes with userId", ONE)),
        (Some(_), None, Some(_)) => Err(Problem::field("phoneNumber", "comes with userId", ONE)),
        (None, Some(_), Some(_)) => Err(Problem::field("phoneNumber", "comes with username", ONE)),
    }
}

impl Users {
    fn place(&self, user: UserId, cursor: &str) -> Result<UserId, Problem> {
        let bytes = self.0.parts.signer.open(user, PURPOSE, cursor);
        bytes.and_then(|bytes| bytes.try_into().ok()).map(UserId::from_bytes).ok_or_else(|| {
            Problem::field("cursor", "is not one of this list", "nextCursor of an earlier page")
        })
    }

    /// Contacts with the people in them, however many, by one question to each store.
    async fn shown(&self, caller: UserId, rows: Vec<Row>) -> Result<Vec<Contact>, Problem> {
        let ids: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
        let pairs: Vec<_> = ids.iter().map(|id| (caller, *id)).collect();
        let people = self.profiles().find_all(&ids).await?;
        let relations = store::relations(self.profiles(), &*self.0.parts.messages, &pairs).await?;
        let contact = |((row, profile), relation): ((Row, Option<Profile>), _)| {
            // Whoever was deleted between the two questions is no contact any more.
            let user = view(profile?, Viewer::of(relation));
            Some(Contact { user, alias: row.alias, created_at: row.created_at })
        };
        Ok(rows.into_iter().zip(people).zip(relations).filter_map(contact).collect())
    }
}
