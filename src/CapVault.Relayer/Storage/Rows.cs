using System.Data;
using Dapper;

namespace CapVault.Relayer.Storage;

/// <summary>How columns become properties, and values parameters, on every engine.</summary>
internal static class Rows
{
    private static readonly Lazy<bool> Prepared = new(Configure);

    /// <summary>Sets it, once per process.</summary>
    public static void Prepare() => _ = Prepared.Value;

    private static bool Configure()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(bool));
        SqlMapper.RemoveTypeMap(typeof(bool?));
        SqlMapper.AddTypeHandler(new Flag());
        return true;
    }

    // Columns hold 0 and 1; what a condition gives is a boolean on PostgreSQL.
    private sealed class Flag : SqlMapper.TypeHandler<bool>
    {
        public override bool Parse(object value) => value is bool flag ? flag : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture) != 0;

        public override void SetValue(IDbDataParameter parameter, bool value)
        {
            parameter.DbType = DbType.Int64;
            parameter.Value = value ? 1L : 0L;
        }
    }
}
