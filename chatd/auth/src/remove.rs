//! `edge::Remove`: the end of an account, for the person who asks for their own.

use crate::Auth;
use async_trait::async_trait;
use edge::{Problem, Remove};
use schema::UserId;

#[async_trait]
impl Remove for Auth {
    async fn remove(&self, user: UserId) -> Result<(), Problem> {
        self.delete_user(user).await
    }
}
