//! What the administrators' API reads of people. Who deletes one ends tokens too: `Auth::delete_user`.

use crate::view::{Viewer, view};
use crate::{Users, nobody};
use edge::Problem;
use schema::api::AdminUser;
use schema::{Phone, UserId};
use store::profiles::{Name, Profile};

impl Users {
    /// People in the order of their ids behind `after`, at most `limit`, and where the next page begins if
    /// this one is full.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(
        &self,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<AdminUser>, Option<UserId>), Problem> {
        let profiles = self.profiles().list(after, limit).await?;
        let next = (limit > 0 && profiles.len() == limit).then(|| profiles.last().map(|last| last.user_id));
        Ok((profiles.into_iter().map(admin_user).collect(), next.flatten()))
    }

    /// One person, by id, username or phone number.
    ///
    /// # Errors
    /// `not-found`, or when the store does not answer.
    pub async fn get(&self, text: &str) -> Result<AdminUser, Problem> {
        let phone = || text.parse::<Phone>().ok().map(Name::Phone);
        let name = Name::of(text).or_else(phone).ok_or_else(nobody)?;
        self.profiles().find(&name).await?.map(admin_user).ok_or_else(nobody)
    }
}

fn admin_user(profile: Profile) -> AdminUser {
    let (disabled, has_password) = (profile.disabled, profile.has_password);
    AdminUser { user: view(profile, Viewer::OWNER), disabled, has_password }
}
