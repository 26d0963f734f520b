using System.Reflection;
using System.Text.RegularExpressions;
using Nethereum.Web3;

namespace CapVault.Tests.NethereumApi;

/// <summary>
/// What others may call of src/CapVault.Nethereum exists in Nethereum too: each public type and member, in the notation of
/// tests/vectors/nethereum-api.txt, is a line of it. Types that the list lacks are in UNLISTED.md with the reason.
/// </summary>
public partial class PublicSurfaceTests
{
    private static readonly Dictionary<string, Listed> List = ReadList();

    private static readonly Dictionary<string, string> Unlisted = ReadUnlisted();

    // Built against the official packages, there is nothing of ours to look at: this list is empty then.
    private static readonly Type[] Ours =
    [
        .. typeof(Web3).Assembly.GetReferencedAssemblies().Append(typeof(Web3).Assembly.GetName()).Where(name => name.Name == "CapVault.Nethereum")
            .SelectMany(name => Assembly.Load(name).GetExportedTypes()),
    ];

    [Fact]
    public void Every_type_is_listed_or_explained()
    {
        var unknown = Ours.Select(Notation.FullName).Where(name => !List.ContainsKey(name)).ToHashSet(StringComparer.Ordinal);
        unknown.Except(Unlisted.Keys, StringComparer.Ordinal).Should().BeEmpty("UNLISTED.md gives the reason for each type that the list lacks");
        if (Ours.Length > 0)
        {
            Unlisted.Keys.Except(unknown, StringComparer.Ordinal).Should().BeEmpty("UNLISTED.md names existing types that the list lacks");
        }

        Unlisted.Where(entry => entry.Value.Length < 10).Should().BeEmpty("each has a reason");
    }

    [Fact]
    public void Every_member_of_a_listed_type_is_listed() =>
        Ours.Where(type => List.ContainsKey(Notation.FullName(type)))
            .SelectMany(type => Notation.Members(type)
                .Where(member => !List[Notation.FullName(type)].Has(member))
                .Select(member => $"{Notation.FullName(type)}: {member}"))
            .Should().BeEmpty("the official packages have none but the listed ones");

    [Fact]
    public void Every_listed_type_is_of_the_listed_kind() =>
        Ours.Where(type => List.TryGetValue(Notation.FullName(type), out var listed) && listed.Kind != Notation.Kind(type))
            .Select(type => $"{Notation.FullName(type)} is {Notation.Kind(type)}").Should().BeEmpty();

    [Theory]
    [InlineData("  new(Uri baseUrl, AuthenticationHeaderValue authHeaderValue = null, JsonSerializerSettings jsonSerializerSettings = null, HttpClientHandler httpClientHandler = null, ILogger log = null)",
        "new(Uri baseUrl, AuthenticationHeaderValue authHeaderValue = null, HttpClientHandler httpClientHandler = null)")]
    [InlineData("  string Name { get; set; }", "string Name { get; }")]
    public void A_member_may_lack_Newtonsoft_loggers_and_setters(string listed, string ours) => new Listed("class", [listed]).Has(ours).Should().BeTrue();

    [Theory]
    [InlineData("  string Name { get; }", "string Name { get; set; }")]
    [InlineData("  Task<int> A(int value)", "Task<int> A(long value)")]
    [InlineData("  Task<int> A(int value)", "static Task<int> A(int value)")]
    [InlineData("  void A(int value)", "void A(int value = 1)")]
    public void A_member_that_differs_is_found(string listed, string ours) => new Listed("class", [listed]).Has(ours).Should().BeFalse();

    private static Dictionary<string, Listed> ReadList()
    {
        var list = new Dictionary<string, Listed>(StringComparer.Ordinal);
        foreach (var block in File.ReadAllText(Repository.File("tests", "vectors", "nethereum-api.txt")).Split("\n\n").Skip(1))
        {
            var lines = block.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var header = Header().Match(lines[0]);
            header.Success.Should().BeTrue($"'{lines[0]}' begins a type");
            list[Arity(header.Groups["name"].Value)] = new Listed(header.Groups["kind"].Value, lines[1..]);
        }

        return list;
    }

    private static Dictionary<string, string> ReadUnlisted() => File.ReadAllLines(Repository.File("src", "CapVault.Nethereum", "UNLISTED.md"))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
        .Where(cells => cells.Length == 4 && cells[1].StartsWith('`'))
        .ToDictionary(cells => Arity(cells[1].Trim('`')), cells => cells[2], StringComparer.Ordinal);

    /// <summary>Event&lt;T&gt; becomes Event`1: the names of type parameters tell nothing apart.</summary>
    private static string Arity(string name) => name.IndexOf('<', StringComparison.Ordinal) is > 0 and var open
        ? $"{name[..open]}`{name.Count(c => c == ',') + 1}"
        : name;

    [GeneratedRegex(@"^(?<kind>(abstract |static )?(class|interface)) (?<name>[\w.]+(<[\w,]+>)?)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Header();

    [GeneratedRegex(@"(, )?(JsonSerializerSettings|ILogger) \w+ = null", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OptionalForeign();

    private sealed record Listed(string Kind, string[] Lines)
    {
        private readonly HashSet<string> members = Lines.Select(line => line.Trim()).SelectMany(line => new[]
        {
            line,
            OptionalForeign().Replace(line, "").Replace("(, ", "(", StringComparison.Ordinal),
            line.Replace("{ get; set; }", "{ get; }", StringComparison.Ordinal),
        }).ToHashSet(StringComparer.Ordinal);

        public bool Has(string member) => members.Contains(member);
    }
}
