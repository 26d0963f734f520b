using System.Numerics;
using System.Text;
using Nethereum.ABI.EIP712;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Signer.EIP712;
using Nethereum.Util;

namespace CapVault.Tests.NethereumApi;

public class Eip712Tests
{
    private static readonly EthECKey Cow = new(Sha3Keccack.Current.CalculateHash("cow"));

    // The example of EIP-712.
    [Fact]
    public void The_mail_of_the_specification()
    {
        var encoder = Eip712TypedDataEncoder.Current;
        encoder.GetEncodedType("Mail", typeof(Mail)).Should().Be("Mail(Person from,Person to,string contents)Person(string name,address wallet)");
        encoder.HashDomainSeparator(MailData()).ToHex().Should().Be("f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
        encoder.HashStruct(Hello(), "Mail", typeof(Mail)).ToHex().Should().Be("c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
        encoder.EncodeAndHashTypedData(Hello(), MailData()).ToHex().Should().Be("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
    }

    [Fact]
    public void The_signature_of_the_specification()
    {
        var signature = Eip712TypedDataSigner.Current.SignTypedDataV4(Hello(), MailData(), Cow);
        signature.Should().Be("0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c");
        Eip712TypedDataSigner.Current.RecoverFromSignatureV4(Hello(), MailData(), signature).Should().Be("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
    }

    [Fact]
    public void Lists_of_structs_and_every_kind_of_member_are_those_of_cast()
    {
        var letter = new Letter
        {
            To = [new Person { Name = "Bob", Wallet = Bob }, new Person { Name = "Cow", Wallet = CowAddress }],
            Grid = [[1, 2], [], [3]],
            Seal = [0xde, 0xad],
            Stamp = Enumerable.Repeat((byte)7, 32).ToArray(),
            Price = -5,
            Paid = true,
            Tags = ["a", "bc"],
        };
        var data = MailData();
        data.Types = MemberDescriptionFactory.GetTypesMemberDescription(typeof(Domain), typeof(Letter));
        data.PrimaryType = "Letter";
        var json = $$$"""
            {"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],
            "Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],
            "Letter":[{"name":"to","type":"Person[]"},{"name":"grid","type":"uint256[][]"},{"name":"seal","type":"bytes"},{"name":"stamp","type":"bytes32"},{"name":"price","type":"int64"},{"name":"paid","type":"bool"},{"name":"tags","type":"string[2]"}]},
            "primaryType":"Letter","domain":{"name":"Ether Mail","version":"1","chainId":1,"verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"},
            "message":{"to":[{"name":"Bob","wallet":"{{{Bob}}}"},{"name":"Cow","wallet":"{{{CowAddress}}}"}],"grid":[[1,2],[],[3]],"seal":"0xdead","stamp":"{{{letter.Stamp.ToHex(true)}}}","price":-5,"paid":true,"tags":["a","bc"]}}
            """;
        Eip712TypedDataSigner.Current.SignTypedDataV4(letter, data, Cow)
            .Should().Be(Repository.Cast("wallet", "sign", "--data", json, "--private-key", Cow.GetPrivateKey()));
    }

    [Fact]
    public void A_message_of_another_domain_has_another_hash()
    {
        var other = MailData();
        other.Domain.ChainId = 2;
        Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(Hello(), other)
            .Should().NotEqual(Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(Hello(), MailData()));
    }

    [Fact]
    public void A_class_without_struct_name_is_refused() =>
        FluentActions.Invoking(() => MemberDescriptionFactory.GetTypesMemberDescription(typeof(Item))).Should().Throw<Exception>();

    // The example of EIP-191's personal message, against cast.
    [Theory]
    [InlineData("")]
    [InlineData("hello world")]
    [InlineData("日本語")]
    public void Personal_messages_are_those_of_cast(string message)
    {
        var signer = new EthereumMessageSigner();
        var signature = signer.EncodeUTF8AndSign(message, Cow);
        signature.Should().Be(Repository.Cast("wallet", "sign", "--private-key", Cow.GetPrivateKey(), "--", Encoding.UTF8.GetBytes(message).ToHex(prefix: true)));
        signer.EncodeUTF8AndEcRecover(message, signature).Should().Be(CowAddress);
    }

    private const string Bob = "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB";
    private const string CowAddress = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826";

    private static TypedData<Domain> MailData() => new()
    {
        Domain = new Domain { Name = "Ether Mail", Version = "1", ChainId = 1, VerifyingContract = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC" },
        Types = MemberDescriptionFactory.GetTypesMemberDescription(typeof(Domain), typeof(Mail), typeof(Person)),
        PrimaryType = "Mail",
    };

    private static Mail Hello() => new()
    {
        From = new Person { Name = "Cow", Wallet = CowAddress },
        To = new Person { Name = "Bob", Wallet = Bob },
        Contents = "Hello, Bob!",
    };

    [Struct("Person")]
    public class Person
    {
        [Parameter("string", "name", 1)]
        public virtual string Name { get; set; } = "";

        [Parameter("address", "wallet", 2)]
        public virtual string Wallet { get; set; } = "";
    }

    [Struct("Mail")]
    public class Mail
    {
        [Parameter("tuple", "from", 1, "Person")]
        public virtual Person From { get; set; } = new();

        [Parameter("tuple", "to", 2, "Person")]
        public virtual Person To { get; set; } = new();

        [Parameter("string", "contents", 3)]
        public virtual string Contents { get; set; } = "";
    }

    [Struct("Letter")]
    public class Letter
    {
        [Parameter("tuple[]", "to", 1, "Person")]
        public virtual List<Person> To { get; set; } = [];

        [Parameter("uint256[][]", "grid", 2)]
        public virtual List<List<BigInteger>> Grid { get; set; } = [];

        [Parameter("bytes", "seal", 3)]
        public virtual byte[] Seal { get; set; } = [];

        [Parameter("bytes32", "stamp", 4)]
        public virtual byte[] Stamp { get; set; } = [];

        [Parameter("int64", "price", 5)]
        public virtual long Price { get; set; }

        [Parameter("bool", "paid", 6)]
        public virtual bool Paid { get; set; }

        [Parameter("string[2]", "tags", 7)]
        public virtual List<string> Tags { get; set; } = [];
    }
}
