//! Rows that go into a table many at a time. A statement costs as much as a row or two: to be found, its parameters
//! cleared, a cursor opened for the table and for each index, and a way down from their roots. With many rows it costs
//! that once, and rows whose keys grow find their places where the last one went.

use crate::faults::Run;
use crate::jobs::Tx;
use rusqlite::{Statement, ToSql};

/// Rows of one statement.
const MANY: usize = 16;

/// A row that is inserted.
pub(crate) trait Insert {
    /// The table with its columns in parentheses.
    const INTO: &'static str;
    /// The values in parentheses; parameters are plain question marks.
    const VALUES: &'static str;

    /// Gives the parameters in their order.
    fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()>;
}

/// The parameters of a statement, one after another.
pub(crate) struct Binder<'a, 'b> {
    statement: &'a mut Statement<'b>,
    bound: usize,
}

impl Binder<'_, '_> {
    /// The next ones; [`rusqlite::params`] makes the list.
    pub(crate) fn bind(&mut self, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        values.iter().try_for_each(|value| {
            self.bound += 1;
            self.statement.raw_bind_parameter(self.bound, value)
        })
    }
}

/// Inserts rows in their order. After an error some of them are there, for the caller to roll back.
pub(crate) fn insert<R: Insert>(tx: &Tx<'_>, rows: &[R]) -> Run<()> {
    let (many, rest) = rows.as_chunks::<MANY>();
    if !many.is_empty() {
        let mut statement = tx.prepare(&statement::<R>(MANY))?;
        many.iter().try_for_each(|rows| run(&mut statement, rows))?;
    }
    if !rest.is_empty() {
        let mut statement = tx.prepare(&statement::<R>(1))?;
        rest.iter().try_for_each(|row| run(&mut statement, std::slice::from_ref(row)))?;
    }
    Ok(())
}

/// `OR FAIL`: what it has inserted before it fails stays until the transaction, or its savepoint, is rolled back, which
/// everybody does who sees an error here; so SQLite need not keep what the pages were like before.
fn statement<R: Insert>(rows: usize) -> String {
    format!("INSERT OR FAIL INTO {} VALUES {}", R::INTO, [R::VALUES; MANY][..rows].join(", "))
}

fn run<R: Insert>(statement: &mut Statement<'_>, rows: &[R]) -> Run<()> {
    let mut binder = Binder { statement, bound: 0 };
    rows.iter().try_for_each(|row| row.bind(&mut binder))?;
    statement.raw_execute()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Fault;
    use crate::memory::Memory;
    use rusqlite::{Connection, params};

    struct Numbered(i64, &'static str);

    impl Insert for Numbered {
        const INTO: &'static str = "numbered (n, word, fixed)";
        const VALUES: &'static str = "(?, ?, 7)";

        fn bind(&self, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
            to.bind(params![self.0, self.1])
        }
    }

    fn database() -> Connection {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch("CREATE TABLE numbered (n INTEGER NOT NULL UNIQUE, word TEXT NOT NULL, fixed INTEGER)")
            .unwrap();
        sql
    }

    #[test]
    fn each_row_is_there_once_in_order_however_many() {
        for count in [0, 1, 15, 16, 17, 32, 50] {
            let sql = database();
            let rows: Vec<_> = (0..count).map(|n| Numbered(n * 3, "w")).collect();
            insert(&Tx { sql: &sql, memory: &mut Memory::default() }, &rows).unwrap();
            let mut statement = sql.prepare("SELECT n, word, fixed FROM numbered ORDER BY rowid").unwrap();
            let of_row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let found: Vec<(i64, String, i64)> =
                statement.query_map([], of_row).unwrap().collect::<rusqlite::Result<_>>().unwrap();
            assert_eq!(found, (0..count).map(|n| (n * 3, "w".to_owned(), 7)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_row_that_is_there_already_is_an_error_and_leaves_the_transaction_open() {
        let sql = database();
        let rows: Vec<_> = (0..20).map(|n| Numbered(n % 10, "w")).collect();
        sql.execute_batch("BEGIN").unwrap();
        let failed = insert(&Tx { sql: &sql, memory: &mut Memory::default() }, &rows);
        assert!(matches!(failed, Err(Fault::Sqlite(_))));
        assert!(!sql.is_autocommit());
        sql.execute_batch("ROLLBACK").unwrap();
        let left: i64 = sql.query_row("SELECT count(*) FROM numbered", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }
}
