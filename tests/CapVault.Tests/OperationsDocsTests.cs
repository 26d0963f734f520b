using System.Reflection;
using System.Text.RegularExpressions;
using CapVault.Contracts.CAPVault.ContractDefinition;
using Nethereum.ABI.FunctionEncoding.Attributes;

namespace CapVault.Tests;

/// <summary>docs/operations against the vault's own interface: a call, an event or an error that comes, goes or is renamed is one there too.</summary>
public partial class OperationsDocsTests
{
    // The owner's calls and the vault's call of itself move no order; the last errors are of a constructor, and of the owner's calls.
    private static readonly string[] OwnersCalls = ["acceptOwnership", "push", "setToken", "setTreasury", "transferOwnership"];
    private static readonly string[] OwnersEvents = ["EIP712DomainChanged", "OwnershipTransferStarted", "OwnershipTransferred", "TokenSet", "TreasurySet"];
    private static readonly string[] OwnersErrors = ["CannotRenounce", "InvalidShortString", "OwnableInvalidOwner", "OwnableUnauthorizedAccount", "StringTooLong"];

    private static readonly Assembly Bindings = typeof(CreateOrderFunction).Assembly;
    private static readonly string Index = File.ReadAllText(Repository.File("docs", "operations", "README.md"));
    private static readonly Dictionary<string, string> Pages = Directory.EnumerateFiles(Repository.File("docs", "operations"), "*.md")
        .Where(file => Path.GetFileName(file) != "README.md")
        .ToDictionary(file => Path.GetFileName(file), File.ReadAllText, StringComparer.Ordinal);

    [Fact]
    public void Each_call_that_changes_an_order_or_moves_its_money_has_a_page()
    {
        var views = typeof(CapVault.Contracts.CAPVault.CAPVaultService).GetMethods().Select(method => method.Name).Where(name => name.EndsWith("QueryAsync", StringComparison.Ordinal));
        var calls = Names<FunctionAttribute>(attribute => attribute.Name)
            .Where(name => !views.Contains($"{char.ToUpperInvariant(name[0])}{name[1..]}QueryAsync", StringComparer.Ordinal))
            .Except(OwnersCalls, StringComparer.Ordinal);
        Pages.Values.SelectMany(page => Title().Match(page).Groups["calls"].Value.Split(", ")).Should().BeEquivalentTo(calls);
        Pages.Keys.Should().OnlyContain(page => Index.Contains($"]({page})", StringComparison.Ordinal), "the index links to each page");
    }

    [Fact]
    public void Events_and_errors_are_the_vaults()
    {
        var documented = Pages.Values.Append(Index).SelectMany(page => Signature().Matches(page)).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal);
        var vaults = Names<EventAttribute>(attribute => attribute.Name).Except(OwnersEvents, StringComparer.Ordinal)
            .Concat(Names<ErrorAttribute>(attribute => attribute.Name).Except(OwnersErrors, StringComparer.Ordinal));
        documented.Except(["OrderConsent"], StringComparer.Ordinal).Should().BeEquivalentTo(vaults);
    }

    [Fact]
    public void Gas_is_named_as_docs_gas_names_it()
    {
        var gas = File.ReadAllText(Repository.File("docs", "gas.md"));
        foreach (var (name, page) in Pages)
        {
            GasRows().Match(page).Groups["rows"].Value.Split(", ")
                .Should().OnlyContain(row => gas.Contains($"\n| {row} | ", StringComparison.Ordinal), $"{name} names them");
        }
    }

    private static IEnumerable<string> Names<T>(Func<T, string> name)
        where T : Attribute => Bindings.GetTypes()
        .Where(type => type.Namespace == typeof(CreateOrderFunction).Namespace)
        .Select(type => type.GetCustomAttribute<T>(inherit: false)).OfType<T>().Select(name).Distinct(StringComparer.Ordinal);

    [GeneratedRegex("^# (?<calls>.+)\n", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Title();

    [GeneratedRegex(@"`(?<name>[A-Z]\w+)\(", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Signature();

    [GeneratedRegex(@"gas\.md\): (?<rows>.+) \|", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GasRows();
}
