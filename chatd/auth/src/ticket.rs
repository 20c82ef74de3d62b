//! `POST /api/auth/ticket`: what opens a socket where no header can be set, and is safe in a log by then.

use crate::Auth;
use crate::tokens::Secret;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use edge::{Allowance, Caller, Json, Problem};
use schema::Timestamp;
use schema::api::Ticket;
use schema::limits::{TICKET_S, TICKETS_PER_USER};
use store::accounts::Role;
use store::tickets::{self, Kept};

/// A ticket that opens one socket within 30 seconds, as the CONNECT header `ticket` or as `?ticket=` on `/ws/**`.
#[utoipa::path(
    post,
    path = "/api/auth/ticket",
    tag = "auth",
    responses(
        (status = 201, description = "Opens one socket; ends with the session", body = Ticket),
        (status = 401, description = "No good token", body = schema::api::Problem),
        (status = 429, description = "16 tickets of this user wait to be used", body = schema::api::Problem),
        (status = 503, description = "Too many tickets of all users wait", body = schema::api::Problem),
    )
)]
pub(crate) async fn ticket(State(auth): State<Auth>, caller: Caller) -> Result<Response, Problem> {
    let (secret, now) = (Secret::draw()?, Timestamp::now());
    let role = if caller.role == Role::Admin.as_str() { Role::Admin } else { Role::User };
    let expires_at = now.plus_seconds(TICKET_S);
    let ticket = tickets::Ticket { user_id: caller.user, session_id: caller.session, role, expires_at };
    match auth.0.tickets.put(secret.hash(), ticket, now).await? {
        Kept::Kept => {}
        Kept::TooMany { until } => {
            let seconds =
                u32::try_from((until.0 - now.0).max(0) / 1000).unwrap_or(u32::MAX).saturating_add(1);
            let allowance = Allowance { limit: TICKETS_PER_USER as u32, remaining: 0, reset_s: seconds };
            let detail = format!(
                "{TICKETS_PER_USER} tickets of yours wait to be used: use one, or come back when one has expired"
            );
            return Err(Problem::too_many(detail, seconds, allowance));
        }
    }
    let body = Json(Ticket { ticket: secret.into_text(), expires_in: TICKET_S });
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], body).into_response())
}
