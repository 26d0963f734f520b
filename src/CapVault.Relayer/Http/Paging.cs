using System.Buffers.Text;
using System.Globalization;
using System.Text;
using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>Paging, newest first, by (created_at, id): with a cursor, which is stable while rows are added, or by page numbers.</summary>
/// <param name="Limit">1 – 100.</param>
/// <param name="BeforeTime">Rows created before it, or in the same millisecond with a smaller id.</param>
/// <param name="BeforeId">See there.</param>
/// <param name="Offset">How many of them to leave out.</param>
public sealed record Paging(int Limit, long BeforeTime, string BeforeId, long Offset = 0)
{
    /// <summary>Reads <c>limit</c> and <c>cursor</c>.</summary>
    /// <exception cref="ApiException">400 for a limit out of range or a cursor that is not ours.</exception>
    public static Paging From(HttpRequest request)
    {
        var limit = Number(request, "limit", 100) ?? 20;
        if (request.Query["cursor"].ToString() is not { Length: > 0 } cursor)
        {
            return new Paging(limit, long.MaxValue, "");
        }

        return TryDecode(cursor) is [var time, var id] && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var before)
            ? new Paging(limit, before, id)
            : throw ApiException.Invalid("cursor", cursor, "a nextCursor of a page before");
    }

    /// <summary>As <see cref="From"/>, or <c>page</c> and <c>pageSize</c> (on CROO's routes <c>page_size</c>).</summary>
    /// <exception cref="ApiException">400 for a number out of range, or both.</exception>
    public static Paging FromPageOrCursor(HttpRequest request)
    {
        var paging = From(request);
        var size = Number(request, "pageSize", 100) ?? Number(request, "page_size", 100) ?? paging.Limit;
        var page = Number(request, "page", int.MaxValue) ?? 1;
        return page == 1 || paging.BeforeId.Length == 0
            ? paging with { Limit = size, Offset = (page - 1L) * size }
            : throw ApiException.Invalid("page", $"{page} beside a cursor", "one of the two");
    }

    /// <summary>Makes the page of <paramref name="rows"/>, which were asked for with one more than <see cref="Limit"/>.</summary>
    public Page<TItem> ToPage<TRow, TItem>(List<TRow> rows, Func<TRow, TItem> item, Func<TRow, (long CreatedAt, string Id)> key)
    {
        var hasMore = rows.Count > Limit;
        var page = hasMore ? rows[..Limit] : rows;
        return new Page<TItem>(page.ConvertAll(row => item(row)), hasMore ? Encode(key(page[^1])) : null);
    }

    private static int? Number(HttpRequest request, string field, int maximum) => request.Query[field].ToString() is { Length: > 0 } text
        ? Fields.Range(field, int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1, 1, maximum)
        : null;

    private static string Encode((long CreatedAt, string Id) key) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{key.CreatedAt}:{key.Id}")));

    private static string[]? TryDecode(string cursor) =>
        Base64Url.IsValid(cursor) ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(':', 2) : null;
}
