//! Tuples as rows, by the order of the columns.

use super::{FieldSpec, FromRow, OwnedRow, ReadRow, RowView, ToRow, WriteRow};
use crate::types::{FromField, PgType, ToField};
use crate::{Result, write_value};

macro_rules! tuple_row {
    ($($number:tt $type:ident)+) => {
        impl<'a, $($type: FromField<'a>),+> FromRow<'a> for ($($type,)+) {
            const NAME: &'static str = "a tuple";

            fn fields() -> Vec<FieldSpec> {
                vec![$(FieldSpec::read::<$type>(
                    stringify!($number), None, std::any::type_name::<$type>(),
                )),+]
            }

            #[inline]
            fn from_row(row: &RowView<'_, 'a>) -> Result<Self> {
                Ok(($(row.field::<$type>($number)?,)+))
            }
        }

        impl<$($type: for<'a> FromField<'a>),+> ReadRow for ($($type,)+) {
            type Of<'a> = Self;

            fn shorten<'short, 'row: 'short>(row: &'short Self) -> &'short Self {
                row
            }
        }

        impl<$($type: for<'a> FromField<'a>),+> OwnedRow for ($($type,)+) {}

        impl<$($type: ToField),+> WriteRow for ($($type,)+) {
            type Of<'a> = Self;
        }

        impl<$($type: ToField),+> ToRow for ($($type,)+) {
            const NAME: &'static str = "a tuple";

            fn fields() -> Vec<FieldSpec> {
                vec![$(FieldSpec::write::<$type>(
                    stringify!($number), None, std::any::type_name::<$type>(),
                )),+]
            }

            #[inline]
            fn write_field(&self, number: usize, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<()> {
                match number {
                    $($number => write_value(&self.$number, ty, out),)+
                    _ => unreachable!("a plan has the numbers of fields only"),
                }
            }
        }
    };
}

tuple_row!(0 A);
tuple_row!(0 A 1 B);
tuple_row!(0 A 1 B 2 C);
tuple_row!(0 A 1 B 2 C 3 D);
tuple_row!(0 A 1 B 2 C 3 D 4 E);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K);
tuple_row!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J 10 K 11 L);
