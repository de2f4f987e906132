//! The database that users reach through the gateway, and whose password they don't have.

use anyhow::Result;
use hoop_testkit::{Login, Postgres};

/// A database with a role that must log in, and something to look at.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server it is on.
    pub postgres: Postgres,
    /// Its name.
    pub database: String,
    /// The role that owns it.
    pub role: String,
}

const CUSTOMERS: &str = "\
create table customers (id int primary key, name text not null, city text not null, since date not null);
insert into customers values
  (1, 'Ada Lovelace', 'London', '2021-12-10'),
  (2, 'Grace Hopper', 'New York', '2022-12-09'),
  (3, 'Barbara Liskov', 'Los Angeles', '2023-11-07');
";

impl Target {
    /// What the role logs in with. It must turn up in no log, no answer and no packet.
    pub const PASSWORD: &'static str = "s3cret-target";

    /// Makes the database `name` and its role, unless they are there.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create(postgres: &Postgres, name: &str) -> Result<Self> {
        let target = Self {
            postgres: postgres.clone(),
            database: name.to_owned(),
            role: format!("{name}_app"),
        };
        let there = format!("select 1 from pg_database where datname = '{name}'");
        if postgres.run("postgres", &there).await?.is_empty() {
            postgres.create_login(&target.role, Self::PASSWORD, Login::Scram).await?;
            let create = format!("create database {name} owner {}", target.role);
            postgres.run("postgres", &create).await?;
            let fill = format!("set role {}; {CUSTOMERS}", target.role);
            postgres.run(name, &fill).await?;
        }
        Ok(target)
    }

    /// How to reach it without the gateway, for comparison.
    #[must_use]
    pub fn direct(&self) -> crate::Access {
        crate::Access {
            host: "127.0.0.1".to_owned(),
            port: self.postgres.port(),
            username: self.role.clone(),
            password: Self::PASSWORD.to_owned(),
            database: self.database.clone(),
        }
    }

    /// Runs `sql` on it as the superuser, beside the gateway.
    ///
    /// # Errors
    /// With PostgreSQL's message.
    pub async fn run(&self, sql: &str) -> Result<String> {
        self.postgres.run(&self.database, sql).await
    }
}
